// node client_encryption.mjs: ClientEncryption of the official Node driver, led by a test.
//
// Reads first {uri, keyVaultNamespace, kmsProviders}, then {call, args}.
import { readFileSync } from 'node:fs';

import { ClientEncryption, MongoClient } from 'mongodb';

import { answerLines } from './lines.mjs';

let client;
let encryption;

async function connect({ uri, ...options }) {
  client = new MongoClient(uri);
  await client.connect();
  encryption = new ClientEncryption(client, options);
  return {
    libmongocrypt: ClientEncryption.libmongocryptVersion,
    memoryMap: readFileSync('/proc/self/maps', 'utf8'),
  };
}

await answerLines(async (request) => {
  if (client === undefined) return connect(request);
  const value = await encryption[request.call](...request.args);
  return { value };
});
await client?.close();
