// A program that is led by a test: lines of Extended JSON in, a line for each out.
import { createInterface } from 'node:readline';

import { BSON } from 'mongodb';

const { EJSON } = BSON;
const say = (document) => console.log(EJSON.stringify(document, { relaxed: false }));

/** Answers each line with {result: what `answer` gives} or {error: text}. */
export async function answerLines(answer) {
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      say({ result: await answer(EJSON.parse(line)) });
    } catch (e) {
      say({ error: String(e?.message ?? e) });
    }
  }
}
