// Starts the page's program. A file of its own, since the content security policy forbids scripts inside the page.
import init from "./page.js";

init().catch((error) => {
  document.documentElement.dataset.state = "failed";
  const said = document.createElement("p");
  said.setAttribute("role", "alert");
  said.textContent = `The page could not start: ${error}. What you see was recorded.`;
  document.body.prepend(said);
});
