// Waiting that ends.

export function sleep(millis) {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

// The promise's value, or an error that names what took too long.
export function withTimeout(promise, seconds, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not done after ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Asks until the answer is true; `last` describes what was seen when it never was.
export async function until(ask, seconds, what, last = async () => "") {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    if (await ask()) return;
    await sleep(100);
  }
  throw new Error(`${what}: not so after ${seconds} s ${await last()}`);
}
