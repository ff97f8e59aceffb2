// node oracle.mjs: reads BSON documents from standard input, one group of cases each, and answers
// each with a BSON document:
//
//   {plain: {COLLECTION: [documents]}, marked: {the same, analyzed},
//    methods: {COLLECTION: {PATH: {} | {a: algorithm, ki: key}}},
//    cases: [{plain: command, marked: the same, analyzed}], show: whether to tell all}
//   {results: [{verdict, n, tokens, text}]}
//
// Every command is run twice: as it is on plain documents, and as it was analyzed on analyzed
// documents. Verdict SAME: the second answer, decrypted, is the first. FAILED: both could not be
// run. n counts the documents or values of the answer, tokens the encrypted values in it. After a
// write, what the collection holds must be encrypted as `methods` says: not at all, or as told, by
// whatever key where none is told.
import { readSync, writeSync } from 'node:fs';

import { deserialize, serialize } from 'bson';

import { collectionOf, run } from './commands.mjs';
import { decrypted, forgetTokens, isDocument, methodOf, read } from './values.mjs';

const SAME = 0;
const DIFFERENT = 1;
const FAILED = 2;

/** Like Math.random(), but the same for both runs of a case: $sample and $rand. */
let state = 0;
Math.random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};

function answerOf(collections, command) {
  state = 1;
  try {
    return run(collections, command);
  } catch (e) {
    return { failed: true, error: e.message };
  }
}

// Why a command failed may show values, and is not compared.
const text = (answer) => JSON.stringify({ ...answer, error: undefined });

/**
 * {a: {b: 1, $db: 2}} is an equality, as its first name tells the server; to mingo any name with a
 * dollar sign makes it operators. The analysis writes {$eq: ...}, which mingo understands.
 */
const isMingosFault = (plain) => /^unknown query operator [^$]/.test(plain.error ?? '');

/** What is stored otherwise than it must be; undefined where all is well. */
function misplaced(answer, methods) {
  const wrong = (document, [path, wanted]) => {
    let value = document;
    for (const step of path.split('.')) value = isDocument(value) ? value[step] : undefined;
    if (value === undefined || value === null || Array.isArray(value)) return false;
    const { a, key } = methodOf(value) ?? {};
    return a !== wanted.a || (wanted.key !== undefined && key !== wanted.key);
  };
  for (const document of answer.after ?? [])
    for (const entry of methods) if (wrong(document, entry)) return entry[0];
  return undefined;
}

function judge(plain, marked, methods, show) {
  if (isMingosFault(plain)) return { verdict: FAILED, n: 0, tokens: 0, text: plain.error };
  const { value, tokens } = decrypted(marked);
  const n = plain.n ?? plain.documents?.length ?? 0;
  if (text(plain) !== text(value)) {
    const both = `plain: ${JSON.stringify(plain)}\n  marked: ${JSON.stringify(value)}`;
    return { verdict: DIFFERENT, n, tokens, text: both };
  }
  const path = misplaced(marked, methods);
  if (path !== undefined)
    return { verdict: DIFFERENT, n, tokens, text: `not stored as the schema says: ${path}` };
  const verdict = plain.failed ? FAILED : SAME;
  return { verdict, n, tokens, text: show || plain.failed ? JSON.stringify(plain) : '' };
}

const collectionsOf = (all) =>
  Object.fromEntries(Object.entries(all).map(([name, list]) => [name, list.map(read)]));

// What is nested stays bytes until it is asked for: each document is read by read().
function answer(message) {
  const { plain, marked, methods, cases, show } = deserialize(message, { promoteBuffers: true });
  forgetTokens();
  const told = Object.fromEntries(
    Object.entries(methods).map(([name, paths]) => [name, Object.entries(read(paths))])
  );
  const before = [collectionsOf(plain), collectionsOf(marked)];
  const results = cases.map((c) => {
    const commands = [read(c.plain), read(c.marked)];
    const answers = commands.map((command, i) => answerOf(before[i], command));
    return judge(...answers, told[collectionOf(commands[0])] ?? [], show);
  });
  return serialize({ results });
}

function readExactly(size) {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; ) {
    const n = readSync(0, bytes, at, size - at, null);
    if (n === 0) return undefined;
    at += n;
  }
  return bytes;
}

for (;;) {
  const head = readExactly(4);
  if (head === undefined) break;
  const rest = readExactly(head.readInt32LE(0) - 4);
  if (rest === undefined) break;
  const reply = answer(Buffer.concat([head, rest]));
  for (let at = 0; at < reply.length; ) at += writeSync(1, reply, at);
}
