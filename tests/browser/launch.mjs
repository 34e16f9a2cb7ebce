// The two browsers with a software GPU each.

import puppeteer from "puppeteer-core";

export const BROWSERS = ["chromium", "firefox"];

// One command of the driver may last this long: a whole case may be one evaluation.
const PROTOCOL_TIMEOUT_MILLIS = 900_000;

// What gives a browser its software GPU. Chromium has WebGPU without it too, and no adapter.
const CHROMIUM_GPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

const CHROMIUM = {
  browser: "chrome",
  args: [
    "--headless=new",
    "--no-sandbox",
    ...CHROMIUM_GPU,
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

const FIREFOX = {
  browser: "firefox",
  extraPrefsFirefox: {
    "dom.webgpu.enabled": true,
    "dom.webgpu.workers.enabled": true,
    "gfx.webgpu.ignore-blocklist": true,
  },
};

// `profile` is a folder that outlives the browser; without one it gets a fresh one, which goes with it. `preferences` are Firefox's. With
// `noGpu` Firefox has no WebGPU, and Chromium no adapter.
export function launch(kind, executablePath, { profile, preferences, noGpu } = {}) {
  if (!executablePath) throw new Error("not installed");
  const options = kind === "chromium" ? { ...CHROMIUM } : { ...FIREFOX };
  if (preferences) options.extraPrefsFirefox = { ...options.extraPrefsFirefox, ...preferences };
  if (noGpu) {
    options.args = options.args?.filter((it) => !CHROMIUM_GPU.includes(it)).concat("--disable-gpu", "--disable-software-rasterizer");
    options.extraPrefsFirefox = { ...options.extraPrefsFirefox, "dom.webgpu.enabled": false, "dom.webgpu.workers.enabled": false };
  }
  if (profile) options.userDataDir = profile;
  return puppeteer.launch({ ...options, executablePath, headless: true, protocolTimeout: PROTOCOL_TIMEOUT_MILLIS });
}
