// Starts the page's program. A file of its own, since the content security policy forbids scripts inside the page.
import init from "./page.js";

init().catch((error) => {
  document.documentElement.dataset.state = "failed";
  document.getElementById("loading").textContent = `The page could not start: ${error}`;
});
