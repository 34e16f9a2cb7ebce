// Starts the engine in a dedicated module worker. The page puts its own address in place of __BASE__ and starts this text from
// a blob, so that the page's content security policy binds the worker too.

// wgpu 30 does not know subgroups on the web (gfx-rs/wgpu #10146): devices are asked for with them where the adapter has them.
// "limits=default" in the worker's name asks for nothing beyond the defaults.
const adapter = globalThis.GPUAdapter?.prototype;
if (adapter && !self.name.split("&").includes("limits=default")) {
  const requestDevice = adapter.requestDevice;
  adapter.requestDevice = function (descriptor = {}) {
    const more = this.features.has("subgroups") ? ["subgroups"] : [];
    const requiredFeatures = [...(descriptor.requiredFeatures ?? []), ...more];
    return requestDevice.call(this, { ...descriptor, requiredFeatures });
  };
}

// A trap inside a promise is an error of the worker like any other: thrown again outside, it reaches the page's onerror.
addEventListener("unhandledrejection", (event) => {
  setTimeout(() => {
    throw event.reason;
  });
});

// Where the engine finds what belongs to its site: hosts.json.
self.site = "__BASE__/";

// The build puts the program's hash in place of the zeros. Not imported above: what a text from a blob imports there Firefox never asks the
// site's service worker for.
const { default: init } = await import("__BASE__/hashed/engine.0000000000000000.js");
await init();
