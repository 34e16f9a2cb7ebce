// A case of two tabs on one store, by the page alone: they fetch the same once, and one takes away what the other has open or fetches.

import assert from "node:assert/strict";
import { PAGE_SECONDS, run, shown, text } from "./explore.mjs";
import { bytesServedTwice } from "./hub.mjs";
import { opened, twice, untilLiveAt } from "./keeping.mjs";
import { choose, failure, told, untilTold, withDemo } from "./model_page.mjs";
import { closePage, openPage } from "./pages.mjs";
import { until } from "./timing.mjs";

// Two tabs of one store: they fetch the same once, one removes it while the other has it open, and while the other fetches it again.
async function twoTabs(context) {
  const { page } = context;
  const hub = await withDemo(context.hub);
  const other = await openPage(page.browser());
  const second = { ...context, page: other.page };
  const times = async (page) => (await told(page)).split("\n").filter((it) => it.startsWith("Whole")).length;
  const untilWhole = (page) =>
    until(async () => (await times(page)) >= 1, PAGE_SECONDS, "it is whole", async () => `${await failure(page)} ${await told(page)} ${await shown(page)}`);
  try {
    await hub.start({ throttle: 400_000 });
    // A tab behind another draws nothing, and nobody clicks there.
    for (const it of [second, context]) {
      await it.page.bringToFront();
      await opened(it, "tabs");
      await choose(it.page, hub.origin);
    }
    await page.click("#fetch");
    await until(async () => /^[1-9]\d* %/.test(await page.title()), 60, "the first is under way", () => shown(page));
    await other.page.bringToFront();
    await other.page.click("#fetch");
    await until(async () => /^[1-9]\d* %/.test(await other.page.title()), 60, "the second shows how far it is", () => shown(other.page));
    await untilWhole(other.page);
    await page.bringToFront();
    await untilWhole(page);
    const twice_bytes = bytesServedTwice(await hub.log());
    await other.page.bringToFront();
    await twice(other.page, "#remove");
    await untilTold(other.page, "it is removed", /freed/);
    await page.bringToFront();
    await page.click("#dialog-close");
    await run(context, "The capital of Texas is");
    assert.match(await text(page, "#next"), /Austin/, "what is open goes on");
    await hub.start({ throttle: 400_000 });
    await page.click("#model-open");
    await page.click("#fetch");
    await until(async () => /^[3-9]\d %/.test(await page.title()), 120, "it comes again", () => shown(page));
    await other.page.bringToFront();
    await twice(other.page, "#remove");
    await until(async () => /being written|freed/.test(`${await failure(other.page)} ${(await told(other.page)).split("\n").at(-1)}`), 120, "the other is told", () => shown(other.page));
    const refused = await failure(other.page);
    await page.bringToFront();
    await hub.set({ throttle: null });
    // What was taken from under a fetch is said, and comes once more; the other may still be at it.
    let lost = "";
    const isWhole = async () => {
      const it = await failure(page);
      if (it) {
        assert.match(it, /removed/, `why it is not whole: ${it}`);
        lost = it;
        await page.click("#fetch");
      }
      return (await times(page)) >= 2;
    };
    await until(isWhole, PAGE_SECONDS, "it is whole again", async () => `${await failure(page)} ${await told(page)}`);
    await page.click("#verify");
    await untilTold(page, "nothing is damaged", /nothing is damaged/);
    const kept = await page.$$eval("#kept > ul > li", (all) => all.map((it) => it.innerText));
    for (const it of kept) {
      const [, whole, of] = /(\d+) of (\d+) parts whole/.exec(it) ?? [];
      assert.ok(whole === of && Number(of) > 0, it);
    }
    // What is told to be whole opens in the other tab, without a server.
    await hub.stop();
    await other.page.bringToFront();
    await choose(other.page, hub.origin);
    await other.page.click("#open");
    await other.page.click("#dialog-close");
    await untilLiveAt(other.page, hub.origin);
    return `${twice_bytes} bytes came twice; the other: ${refused}; the first: ${lost}`;
  } finally {
    await closePage(other.page);
    await hub.stop();
  }
}

export const TAB_CASES = {
  keep_two_tabs: { run: twoTabs, seconds: 900, long: true },
};
