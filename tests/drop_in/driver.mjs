// node driver.mjs: the official Node driver with automatic encryption, led by a test.
//
// Reads lines of Extended JSON: first {uri, db, keyVaultNamespace, kmsProviders, schemaMap,
// extraOptions}, then {call, args} for the collection `patients`, or {memoryMap: true}. Answers each
// with a line: {result} or {error}.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { BSON, MongoClient } from 'mongodb';

const { EJSON } = BSON;
const say = (document) => console.log(EJSON.stringify(document, { relaxed: false }));

let client;
let patients;

async function connect({ uri, db, ...autoEncryption }) {
  client = new MongoClient(uri, { autoEncryption });
  await client.connect();
  patients = client.db(db).collection('patients');
  return {};
}

async function call({ call: name, args, memoryMap }) {
  if (memoryMap) return { memoryMap: readFileSync('/proc/self/maps', 'utf8') };
  const result = await patients[name](...args);
  if (typeof result === 'number') return { n: result };
  return typeof result?.toArray === 'function' ? { documents: await result.toArray() } : result;
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    const request = EJSON.parse(line);
    say({ result: await (client === undefined ? connect(request) : call(request)) });
  } catch (e) {
    say({ error: String(e?.message ?? e) });
  }
}
await client?.close();
