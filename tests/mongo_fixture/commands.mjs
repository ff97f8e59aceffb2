// The commands that the server knows. Each gets the command document and returns the reply.
import { Long } from 'bson';
import { Aggregator } from 'mingo';

import { Collection, MongoError, query } from './collection.mjs';
import { bsonOf, equal, plain } from './values.mjs';

const collections = new Map(); // by namespace
const cursors = new Map(); // by id
let nextCursor = 1;
let failPoint = null; // {mode, data, entered}

const namespaceOf = (command, name) => `${command.$db}.${command[name]}`;
const existing = (namespace) => collections.get(namespace);
function collection(namespace) {
  if (!collections.has(namespace)) collections.set(namespace, new Collection(namespace));
  return collections.get(namespace);
}

function sorted(documents, sort) {
  if (sort === undefined || Object.keys(sort).length === 0) return documents;
  const order = new Map(documents.map((d, i) => [d, i]));
  const keyed = documents.map((d) => ({ ...plain(d), '\u0000at': order.get(d) }));
  return new Aggregator([{ $sort: plain(sort) }]).run(keyed).map((d) => documents[d['\u0000at']]);
}

const sessionOf = (command) => JSON.stringify(plain(command.lsid?.id) ?? null);

function cursor(command, namespace, documents, batchSize, first) {
  const size = batchSize ?? (first ? 101 : documents.length);
  const batch = documents.slice(0, size);
  const rest = documents.slice(size);
  let id = 0;
  if (rest.length !== 0 && !command.singleBatch) {
    id = nextCursor++;
    cursors.set(id, { namespace, rest, session: sessionOf(command) });
  }
  return { cursor: { [first ? 'firstBatch' : 'nextBatch']: batch, id: Long.fromNumber(id), ns: namespace } };
}

const VERSION = [7, 0, 0];
const HANDSHAKE = {
  helloOk: true,
  isWritablePrimary: true,
  ismaster: true,
  maxBsonObjectSize: 16 * 1024 * 1024,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  logicalSessionTimeoutMinutes: 30,
  minWireVersion: 0,
  maxWireVersion: 21, // of MongoDB 7.0
  readOnly: false,
};
const hello = () => ({ ...HANDSHAKE, localTime: new Date() });

/** Runs `each` for every write, in order or through; collects write errors as MongoDB does. */
function writeAll(writes, ordered, each) {
  const writeErrors = [];
  for (const [index, write] of writes.entries()) {
    try {
      each(write, index);
    } catch (e) {
      if (!(e instanceof MongoError)) throw e;
      writeErrors.push({ index, code: e.code, errmsg: e.message, ...e.extra });
      if (ordered !== false) break;
    }
  }
  return writeErrors.length === 0 ? {} : { writeErrors };
}

function insert(command) {
  const into = collection(namespaceOf(command, 'insert'));
  let n = 0;
  const errors = writeAll(command.documents, command.ordered, (document) => {
    into.insert(document);
    n += 1;
  });
  return { n, ...errors };
}

function update(command) {
  const into = collection(namespaceOf(command, 'update'));
  let n = 0;
  let nModified = 0;
  const upserted = [];
  const errors = writeAll(command.updates, command.ordered, ({ q, u, multi, upsert }, index) => {
    const found = into.find(q);
    if (found.length === 0 && upsert) {
      upserted.push({ index, _id: into.upsert(q, u)._id });
      n += 1;
    }
    for (const document of multi ? found : found.slice(0, 1)) {
      const after = into.update(document, u);
      n += 1;
      if (after !== document) nModified += 1;
    }
  });
  return { n, nModified, ...(upserted.length === 0 ? {} : { upserted }), ...errors };
}

function remove(command) {
  const from = collection(namespaceOf(command, 'delete'));
  let n = 0;
  const errors = writeAll(command.deletes, command.ordered, ({ q, limit }) => {
    const found = from.find(q);
    for (const document of plain(limit) === 1 ? found.slice(0, 1) : found) {
      from.remove(document);
      n += 1;
    }
  });
  return { n, ...errors };
}

function findAndModify(command) {
  const name = 'findAndModify' in command ? 'findAndModify' : 'findandmodify';
  const into = collection(namespaceOf(command, name));
  const [before] = sorted(into.find(command.query), command.sort);
  if (before === undefined) {
    const made = command.upsert ? into.upsert(command.query ?? {}, command.update) : null;
    return {
      lastErrorObject: { n: made ? 1 : 0, updatedExisting: false, ...(made && { upserted: made._id }) },
      value: made && command.new ? made : null,
    };
  }
  if (command.remove) {
    into.remove(before);
    return { lastErrorObject: { n: 1 }, value: before };
  }
  const after = into.update(before, command.update);
  return { lastErrorObject: { n: 1, updatedExisting: true }, value: command.new ? after : before };
}

function find(command) {
  const namespace = namespaceOf(command, 'find');
  query(command.filter ?? {}); // refused also where there is nothing to search
  let found = sorted(existing(namespace)?.find(command.filter) ?? [], command.sort);
  found = found.slice(plain(command.skip) ?? 0);
  if (plain(command.limit)) found = found.slice(0, Math.abs(plain(command.limit)));
  if (command.projection !== undefined && Object.keys(command.projection).length !== 0) {
    const project = new Aggregator([{ $project: plain(command.projection) }]);
    found = project.run(found.map(plain)).map(bsonOf);
  }
  return cursor(command, namespace, found, plain(command.batchSize), true);
}

// Stages that only choose documents: these stay as they are stored, byte for byte.
const CHOOSING = {
  $match: (documents, filter) => documents.filter(query(filter)),
  $sort: sorted,
  $skip: (documents, n) => documents.slice(plain(n)),
  $limit: (documents, n) => documents.slice(0, plain(n)),
};

function aggregate(command) {
  const namespace = namespaceOf(command, 'aggregate');
  const stages = [...command.pipeline];
  let documents = existing(namespace)?.documents ?? [];
  while (stages.length !== 0 && Object.keys(stages[0])[0] in CHOOSING) {
    const [[name, argument]] = Object.entries(stages.shift());
    documents = CHOOSING[name](documents, argument);
  }
  if (stages.length !== 0)
    documents = new Aggregator(stages.map(plain)).run(documents.map(plain)).map(bsonOf);
  return cursor(command, namespace, documents, plain(command.cursor?.batchSize), true);
}

function distinct(command) {
  const found = existing(namespaceOf(command, 'distinct'))?.find(command.query) ?? [];
  const values = found
    .map((d) => command.key.split('.').reduce((at, step) => at?.[step], d))
    .flatMap((v) => (Array.isArray(v) ? v : [v]))
    .filter((v) => v !== undefined);
  return { values: values.filter((v, i) => values.findIndex((w) => equal(v, w)) === i) };
}

function getMore(command) {
  const id = plain(command.getMore);
  if (!cursors.has(id)) throw new MongoError(43, 'CursorNotFound', `cursor id ${id} not found`);
  const { namespace, rest, session } = cursors.get(id);
  if (session !== sessionOf(command))
    throw new MongoError(13, 'Unauthorized', 'a getMore outside of the session of its cursor');
  cursors.delete(id);
  return cursor(command, namespace, rest, plain(command.batchSize), false);
}

function killCursors(command) {
  for (const id of command.cursors) cursors.delete(plain(id));
  return { cursorsKilled: command.cursors, cursorsNotFound: [], cursorsAlive: [], cursorsUnknown: [] };
}

function createIndexes(command) {
  const into = collection(namespaceOf(command, 'createIndexes'));
  const numIndexesBefore = into.indexes.length;
  for (const spec of command.indexes) into.createIndex(spec);
  return { numIndexesBefore, numIndexesAfter: into.indexes.length, createdCollectionAutomatically: false };
}

function listIndexes(command) {
  const namespace = namespaceOf(command, 'listIndexes');
  const of = existing(namespace);
  if (of === undefined)
    throw new MongoError(26, 'NamespaceNotFound', `ns does not exist: ${namespace}`);
  return cursor(command, namespace, of.indexes, plain(command.cursor?.batchSize), true);
}

function listCollections(command) {
  const prefix = `${command.$db}.`;
  const all = [...collections.values()]
    .filter((c) => c.namespace.startsWith(prefix))
    .map((c) => ({
      name: c.namespace.slice(prefix.length),
      type: c.options?.viewOn === undefined ? 'collection' : 'view',
      options: c.options ?? {},
      info: { readOnly: c.options?.viewOn !== undefined },
    }));
  const found = all.filter(query(command.filter ?? {}));
  return cursor(command, `${prefix}$cmd.listCollections`, found, undefined, true);
}

const OPTIONS = ['validator', 'viewOn', 'pipeline', 'collation'];

function setOptions(command, name) {
  const { options } = collection(namespaceOf(command, name));
  const given = Object.entries(command).filter(([field]) => OPTIONS.includes(field));
  collection(namespaceOf(command, name)).options = { ...options, ...Object.fromEntries(given) };
  return {};
}

function create(command) {
  const namespace = namespaceOf(command, 'create');
  if (existing(namespace)) throw new MongoError(48, 'NamespaceExists', `${namespace} exists`);
  return setOptions(command, 'create');
}

function collMod(command) {
  const namespace = namespaceOf(command, 'collMod');
  if (!existing(namespace)) throw new MongoError(26, 'NamespaceNotFound', `no ${namespace}`);
  return setOptions(command, 'collMod');
}

function drop(command) {
  const namespace = namespaceOf(command, 'drop');
  if (!collections.delete(namespace)) throw new MongoError(26, 'NamespaceNotFound', 'ns not found');
  return { ns: namespace };
}

function dropDatabase(command) {
  for (const namespace of collections.keys())
    if (namespace.startsWith(`${command.$db}.`)) collections.delete(namespace);
  return { dropped: command.$db };
}

/**
 * MongoDB's failCommand: {mode: "off" | "alwaysOn" | {times: n} | {skip: n}, data: {failCommands,
 * appName, errorCode, errorLabels, closeConnection, blockConnection, blockTimeMS,
 * writeConcernError}}. Beside MongoDB's, data.reply is answered instead of what was done.
 */
function configureFailPoint(command) {
  if (command.configureFailPoint !== 'failCommand')
    throw new MongoError(2, 'BadValue', `no such fail point: ${command.configureFailPoint}`);
  const mode = plain(command.mode);
  const known = ['off', 'alwaysOn'].includes(mode) || mode?.times >= 0 || mode?.skip >= 0;
  if (!known) throw new MongoError(2, 'BadValue', 'mode must be off, alwaysOn, times or skip');
  const entered = failPoint?.entered ?? 0;
  const data = { ...plain(command.data ?? {}), reply: command.data?.reply };
  failPoint =
    mode === 'off' ? null : { data, skip: mode.skip ?? 0, times: mode.times ?? Infinity, entered: 0 };
  return { count: entered };
}

/** What is to go wrong with a command now; undefined for nothing. */
function failureOf(name, { appName }) {
  if (failPoint === null || failPoint.times <= 0) return undefined;
  const { data } = failPoint;
  if (!data.failCommands?.includes(name)) return undefined;
  if (data.appName !== undefined && data.appName !== appName) return undefined;
  if (failPoint.skip > 0) {
    failPoint.skip -= 1;
    return undefined;
  }
  failPoint.times -= 1;
  failPoint.entered += 1;
  return data;
}

// Where each command that can be explained has its filter.
const FILTERS = {
  find: (c) => c.filter,
  count: (c) => c.query,
  distinct: (c) => c.query,
  findAndModify: (c) => c.query,
  update: (c) => c.updates[0].q,
  delete: (c) => c.deletes[0].q,
  aggregate: (c) => c.pipeline[0]?.$match,
};

/** Says what a command would find. Nothing is changed, and no index is used. */
function explain(command) {
  const inner = { ...command.explain, $db: command.$db };
  const [name] = Object.keys(inner);
  if (!(name in FILTERS))
    throw new MongoError(59, 'CommandNotFound', `Explain failed due to unknown command: ${name}`);
  const namespace = namespaceOf(inner, name);
  const filter = FILTERS[name](inner) ?? {};
  query(filter);
  const found = existing(namespace)?.find(filter) ?? [];
  const plan = { stage: existing(namespace) ? 'COLLSCAN' : 'EOF', filter };
  const stats = { executionSuccess: true, nReturned: found.length, totalKeysExamined: 0 };
  return {
    explainVersion: '1',
    queryPlanner: { namespace, parsedQuery: filter, winningPlan: plan, rejectedPlans: [] },
    ...(command.verbosity === 'queryPlanner' ? {} : { executionStats: stats }),
    command: inner,
    serverInfo: { host: 'localhost', version: VERSION.join('.') },
  };
}

const count = (command) => ({
  n: existing(namespaceOf(command, 'count'))?.find(command.query).length ?? 0,
});

const COMMANDS = {
  hello,
  isMaster: hello,
  ismaster: hello,
  ping: () => ({}),
  buildInfo: () => ({ version: VERSION.join('.'), versionArray: [...VERSION, 0] }),
  endSessions: () => ({}),
  insert,
  update,
  delete: remove,
  findAndModify,
  findandmodify: findAndModify,
  find,
  aggregate,
  count,
  distinct,
  getMore,
  killCursors,
  createIndexes,
  listIndexes,
  listCollections,
  create,
  collMod,
  drop,
  dropDatabase,
  configureFailPoint,
  explain,
  killAllSessions: () => ({}),
};
const HANDSHAKES = new Set(['hello', 'isMaster', 'ismaster', 'endSessions']);

function refusal(e) {
  const known = e instanceof MongoError;
  return {
    ok: 0,
    errmsg: e.message,
    code: known ? e.code : 8,
    codeName: known ? e.codeName : 'UnknownError',
    ...(known ? e.extra : {}),
  };
}

/**
 * Runs one command of a client, {appName}: {document: reply, handshake, hangUp, delay}. The reply is
 * to be sent after `delay` milliseconds; with hangUp there is none.
 */
export function run(command, client = {}) {
  const [name] = Object.keys(command);
  const handshake = HANDSHAKES.has(name);
  const failure = failureOf(name, client) ?? {};
  const { closeConnection, errorCode, errorLabels, reply: forged, writeConcernError } = failure;
  const delay = failure.blockConnection ? failure.blockTimeMS : 0;
  if (closeConnection) return { hangUp: true, handshake, delay };
  try {
    if (errorCode !== undefined)
      throw new MongoError(errorCode, 'FailPoint', 'told to fail', errorLabels && { errorLabels });
    if (!(name in COMMANDS)) throw new MongoError(59, 'CommandNotFound', `no such command: '${name}'`);
    const done = COMMANDS[name](command);
    const reply = { ...(forged ?? done), ok: 1 };
    return { document: writeConcernError ? { ...reply, writeConcernError } : reply, handshake, delay };
  } catch (e) {
    return { document: refusal(e), handshake, delay };
  }
}
