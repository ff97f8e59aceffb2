// node driver.mjs: the official Node driver with automatic encryption, led by a test.
//
// Reads first {uri, db, keyVaultNamespace, kmsProviders, schemaMap, extraOptions}, then {call, args}
// for the collection `patients`, or {memoryMap: true}.
import { readFileSync } from 'node:fs';

import { MongoClient } from 'mongodb';

import { answerLines } from './lines.mjs';

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

await answerLines((request) => (client === undefined ? connect(request) : call(request)));
await client?.close();
