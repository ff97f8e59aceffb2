// node unified.mjs: files of the specification's unified tests, run by the official Node driver and
// led by a test.
//
// Reads first {uri, localMasterKey, awsDataKey, kmipSecret, extraOptions}, then {file} or {text};
// answers {tests: [{description, skipped or failed: why}]}. runOnRequirements are not read: which
// tests pass is the question.
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

import { BSON, ClientEncryption, MongoClient, MongoServerError } from 'mongodb';

import { credentials, openClouds } from './clouds.mjs';
import { answerLines } from './lines.mjs';
import { mismatch } from './unified_match.mjs';

const { EJSON } = BSON;

let settings;
let plain; // a client that does not encrypt, for what the runner does itself

/** kmsProviders of a file; "aws:name" has the credentials of aws. */
function providersOf(given) {
  return Object.fromEntries(
    Object.entries(given).map(([name, options]) => {
      const ours = settings.credentials[name.split(':')[0]];
      const value = ([field, v]) => [field, v?.$$placeholder === undefined ? v : ours[field]];
      return [name, Object.fromEntries(Object.entries(options).map(value))];
    })
  );
}

/** What a test works on, by id, and what was seen of its clients. */
class Entities {
  #byId = new Map();
  #clients = [];
  events = new Map(); // of each client that is observed

  get = (id) => {
    if (!this.#byId.has(id)) throw new Error(`no entity ${id}`);
    return this.#byId.get(id);
  };

  async create(specs) {
    for (const spec of specs) {
      const [[kind, options]] = Object.entries(spec);
      this.#byId.set(options.id, await this.#make[kind](options));
    }
  }

  #make = {
    client: async ({ id, autoEncryptOpts, uriOptions, observeEvents = [] }) => {
      const autoEncryption = autoEncryptOpts && {
        ...autoEncryptOpts,
        kmsProviders: providersOf(autoEncryptOpts.kmsProviders),
        extraOptions: settings.extraOptions,
      };
      const client = new MongoClient(settings.uri, {
        ...uriOptions,
        monitorCommands: true,
        ...(autoEncryption && { autoEncryption }),
      });
      const events = [];
      if (observeEvents.includes('commandStartedEvent'))
        client.on('commandStarted', ({ command, commandName, databaseName }) => {
          if (commandName !== 'configureFailPoint')
            events.push({ commandStartedEvent: { command, commandName, databaseName } });
        });
      this.events.set(id, events);
      this.#clients.push(client);
      return client.connect();
    },
    database: ({ client, databaseName }) => this.get(client).db(databaseName),
    collection: ({ database, collectionName }) =>
      Object.assign(this.get(database).collection(collectionName), {
        ofDatabase: this.get(database),
      }),
    clientEncryption: ({ clientEncryptionOpts: { keyVaultClient, kmsProviders, ...options } }) =>
      new ClientEncryption(this.get(keyVaultClient), {
        ...options,
        kmsProviders: providersOf(kmsProviders),
      }),
  };

  close = () => Promise.all(this.#clients.map((client) => client.close(true)));
}

const COUNTS = ['insertedCount', 'matchedCount', 'modifiedCount', 'deletedCount', 'upsertedCount'];
/** The driver's object as the document that files expect. */
const countsOf = (result) => ({
  ...Object.fromEntries(COUNTS.map((name) => [name, result[name]])),
  upsertedIds: result.upsertedIds,
  insertedIds: result.insertedIds,
});

const failPoint = (client, command) => client.db('admin').command(command);

// What each operation calls: its entity, its arguments, the other entities.
const OPERATIONS = {
  aggregate: (of, { pipeline, ...o }) => of.aggregate(pipeline, o).toArray(),
  bulkWrite: async (of, { requests, ...o }) => countsOf(await of.bulkWrite(requests, o)),
  countDocuments: (of, { filter, ...o }) => of.countDocuments(filter, o),
  createIndex: (of, { keys, ...o }) => of.createIndex(keys, o),
  deleteMany: (of, { filter, ...o }) => of.deleteMany(filter, o),
  deleteOne: (of, { filter, ...o }) => of.deleteOne(filter, o),
  distinct: (of, { fieldName, filter, ...o }) => of.distinct(fieldName, filter, o),
  find: (of, { filter, ...o }) => of.find(filter, o).toArray(),
  findOneAndDelete: (of, { filter, ...o }) => of.findOneAndDelete(filter, o),
  findOneAndUpdate: (of, { filter, update, returnDocument, ...o }) =>
    of.findOneAndUpdate(filter, update, {
      ...o,
      ...(returnDocument && { returnDocument: returnDocument.toLowerCase() }),
    }),
  insertMany: (of, { documents, ...o }) => of.insertMany(documents, o),
  insertOne: (of, { document, ...o }) => of.insertOne(document, o),
  mapReduce: (of, { map, reduce, out }) =>
    of.ofDatabase.command({ mapReduce: of.collectionName, map, reduce, out }),
  updateOne: (of, { filter, update, ...o }) => of.updateOne(filter, update, o),

  createCollection: (of, { collection, ...o }) => of.createCollection(collection, o),
  dropCollection: (of, { collection }) => dropCollection(of, collection),
  runCommand: (of, { command }) => of.command(command),

  addKeyAltName: (of, { id, keyAltName }) => of.addKeyAltName(id, keyAltName),
  createDataKey: (of, { kmsProvider, opts }) => of.createDataKey(kmsProvider, opts),
  decrypt: (of, { value }) => of.decrypt(value),
  deleteKey: (of, { id }) => of.deleteKey(id),
  encrypt: (of, { value, opts }) => of.encrypt(value, opts),
  getKey: (of, { id }) => of.getKey(id),
  getKeyByAltName: (of, { keyAltName }) => of.getKeyByAltName(keyAltName),
  getKeys: (of) => of.getKeys().toArray(),
  removeKeyAltName: (of, { id, keyAltName }) => of.removeKeyAltName(id, keyAltName),
  rewrapManyDataKey: async (of, { filter, opts }) => {
    const { bulkWriteResult } = await of.rewrapManyDataKey(filter, opts);
    return bulkWriteResult === undefined ? {} : { bulkWriteResult: countsOf(bulkWriteResult) };
  },

  assertCollectionExists: async (_, { databaseName, collectionName }) => {
    const found = await plain.db(databaseName).listCollections({ name: collectionName }).toArray();
    if (found.length !== 1) throw new Error(`no collection ${collectionName}`);
  },
  assertIndexExists: async (_, { databaseName, collectionName, indexName }) => {
    const found = await plain.db(databaseName).collection(collectionName).indexes();
    if (!found.some((index) => index.name === indexName)) throw new Error(`no index ${indexName}`);
  },
  failPoint: (_, { client, failPoint: command }, entities) =>
    failPoint(entities.get(client), command),
  wait: (_, { ms }) => setTimeout(ms),
};

async function dropCollection(db, name) {
  try {
    await db.dropCollection(name);
  } catch (e) {
    if (e.codeName !== 'NamespaceNotFound') throw e;
  }
}

async function setInitialData(parts) {
  for (const { databaseName, collectionName, createOptions, documents } of parts) {
    const db = plain.db(databaseName);
    await dropCollection(db, collectionName);
    const collection = await db.createCollection(collectionName, createOptions);
    if (documents.length !== 0) await collection.insertMany(documents);
  }
}

/** A command that a file expects. The driver does not say of an update what it is not. */
const asDriverSends = ({ updates, ...command }) => ({
  ...command,
  ...(updates && {
    updates: updates.map((update) =>
      Object.fromEntries(
        Object.entries(update).map(([k, v]) => [k, v === false ? { $$unsetOrMatches: v } : v])
      )
    ),
  }),
});

class Wrong extends Error {}
function expectMatch(what, expected, actual) {
  const why = mismatch(expected, actual);
  if (why !== undefined) throw new Wrong(`${what}: ${why}`);
}

const ERRORS = {
  isError: () => true,
  isClientError: (e, wanted) => !(e instanceof MongoServerError) === wanted,
  isTimeoutError: (e, wanted) => (e.name === 'MongoOperationTimeoutError') === wanted,
  errorContains: (e, wanted) => e.message.toLowerCase().includes(wanted.toLowerCase()),
};

async function runOperation(operation, entities) {
  const { name, object, arguments: args = {}, expectResult, expectError } = operation;
  if (!(name in OPERATIONS)) throw new Error(`this runner has no ${name}`);
  const on = object === 'testRunner' ? undefined : entities.get(object);
  let result;
  try {
    result = await OPERATIONS[name](on, args, entities);
  } catch (e) {
    if (expectError === undefined) throw new Wrong(`${name}: ${e.message}`);
    for (const [key, wanted] of Object.entries(expectError)) {
      if (!(key in ERRORS)) throw new Error(`this runner has no ${key}`);
      if (!ERRORS[key](e, wanted))
        throw new Wrong(`${name}: ${key} ${wanted}: ${e.name}: ${e.message}`);
    }
    return;
  }
  if (expectError !== undefined)
    throw new Wrong(`${name}: not refused: ${EJSON.stringify(result)}`);
  if (expectResult !== undefined) expectMatch(name, expectResult, result ?? null);
}

async function runTest(file, test) {
  const entities = new Entities();
  try {
    await setInitialData(file.initialData ?? []);
    await entities.create(file.createEntities ?? []);
    for (const operation of test.operations) await runOperation(operation, entities);
    for (const { client, events } of test.expectEvents ?? []) {
      const seen = entities.events.get(client);
      const names = seen.map((e) => e.commandStartedEvent.commandName).join(', ');
      if (seen.length !== events.length) throw new Wrong(`${client} sent ${names || 'nothing'}`);
      for (const [i, expected] of events.entries()) {
        const { command, ...others } = expected.commandStartedEvent;
        expectMatch(`event ${i}`, others, seen[i].commandStartedEvent);
        if (command)
          expectMatch(`event ${i}`, asDriverSends(command), seen[i].commandStartedEvent.command);
      }
    }
    for (const { databaseName, collectionName, documents } of test.outcome ?? []) {
      const collection = plain.db(databaseName).collection(collectionName);
      const found = await collection.find({}, { sort: { _id: 1 } }).toArray();
      const why = mismatch(documents, found, false);
      if (why !== undefined) throw new Wrong(`outcome: ${why}`);
    }
  } finally {
    await entities.close();
    await failPoint(plain, { configureFailPoint: 'failCommand', mode: 'off' });
  }
}

async function runFile(text) {
  const file = EJSON.parse(text);
  const tests = [];
  for (const test of file.tests) {
    const verdict = { description: test.description };
    tests.push(verdict);
    if (test.skipReason !== undefined) {
      verdict.skipped = test.skipReason;
      continue;
    }
    try {
      await runTest(file, test);
    } catch (e) {
      verdict.failed = e instanceof Wrong ? e.message : (e.stack ?? String(e));
    }
  }
  return { tests };
}

async function connect({ localMasterKey, awsDataKey, kmipSecret, ...given }) {
  settings = { ...given, credentials: credentials(localMasterKey) };
  openClouds({ awsDataKey: awsDataKey.buffer, kmipSecret: kmipSecret.buffer });
  plain = await new MongoClient(settings.uri).connect();
  return {
    libmongocrypt: ClientEncryption.libmongocryptVersion,
    memoryMap: readFileSync('/proc/self/maps', 'utf8'),
  };
}

await answerLines((request) => {
  if (settings === undefined) return connect(request);
  return runFile(request.text ?? readFileSync(request.file, 'utf8'));
});
await plain?.close();
