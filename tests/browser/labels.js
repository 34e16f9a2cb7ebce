// Half a million labels in an engine, and how long it takes to search them as one types. The words are those of tests/session/label_search.rs.

const WORDS = [
  "references", "words", "cities", "names of", "the", "and", "punctuation", "related to",
  "Texas", "numbers", "in code", "phrases", "legal", "medical", "terms", "expressions of",
];

// A labels file of so many layers and features, of words chosen by a counter.
function file(nLayers, nFeatures) {
  let seed = 1;
  const word = () => {
    seed = (Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) + 1) >>> 0;
    return WORDS[seed >>> 28];
  };
  const feature = (_, index) => `{"index":${index},"label":"${word()} ${word()} ${word()} ${word()}","density":0.001,"max":12.5}`;
  const layer = (_, layer) => `{"layer":${layer},"features":[${Array.from({ length: nFeatures }, feature)}]}`;
  const text = `{"version":1,"made":"for a bench","layers":[${Array.from({ length: nLayers }, layer)}]}`;
  return new TextEncoder().encode(text);
}

// Hands one over; how many labels there are, in how many bytes, and in how many seconds they were read.
export async function loadLabels(engine, nLayers, nFeatures) {
  const bytes = file(nLayers, nFeatures);
  const from = { Beside: { part: 0, name: "labels.json" } };
  const start = performance.now();
  const { end } = engine.begin({ LabelsLoad: { set: "", from, tell: false, keep: false } }, undefined, undefined, [bytes.buffer]);
  const { LabelsLoaded } = await end;
  return { n_labels: LabelsLoaded.about.n_labels, size_bytes: bytes.length, seconds: (performance.now() - start) / 1000 };
}

// Milliseconds from a keystroke to its answer, for each text: so many rounds, or as long as `goesOn` says.
export async function keystrokes(engine, texts, rounds, goesOn = () => true) {
  const out = texts.map((text) => ({ text, millis: [], n_found: 0 }));
  for (let round = 0; round < rounds; round++) {
    for (const it of out) {
      const start = performance.now();
      const { LabelsFound } = await engine.ask({ LabelsSearch: { text: it.text, limit: 40 } });
      if (!goesOn()) return out;
      it.millis.push(performance.now() - start);
      it.n_found = LabelsFound.n_found;
    }
  }
  return out;
}
