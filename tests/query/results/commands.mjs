// Commands on documents in memory: run(collections, command) gives what a server would answer, and
// for writes what the collection holds afterwards.
import { Aggregator, Query } from 'mingo';
import { Context, computeValue } from 'mingo/core';
import 'mingo/init/system';
import { update as applyOperator } from 'mingo/updater';

import { OURS } from './mingo_stages.mjs';
import { copyOf, isDocument, keyOf, MADE_BY_SERVER } from './values.mjs';

const context = Context.init(OURS);

/** For everything that mingo runs within one command. */
function optionsOf(collections, variables) {
  const plain = { context };
  return {
    context,
    collectionResolver: (name) => copyOf(collections[name] ?? []),
    variables: variables === undefined ? {} : computeValue({}, variables, null, plain),
  };
}

const aggregated = (documents, pipeline, options) => new Aggregator(pipeline, options).run(documents);
const found = (documents, filter, options) => {
  const query = new Query(filter ?? {}, options);
  return documents.filter((document) => query.test(document));
};

const isEmpty = (object) => object === undefined || Object.keys(object).length === 0;

function find(documents, c, options) {
  const pipeline = [];
  if (!isEmpty(c.sort)) pipeline.push({ $sort: c.sort });
  if (c.skip > 0) pipeline.push({ $skip: c.skip });
  if (c.limit > 0) pipeline.push({ $limit: c.limit });
  if (!isEmpty(c.projection)) pipeline.push({ $project: c.projection });
  return { documents: aggregated(found(documents, c.filter, options), pipeline, options) };
}

function count(documents, c, options) {
  let all = found(documents, c.query, options);
  if (c.skip > 0) all = all.slice(c.skip);
  if (c.limit > 0) all = all.slice(0, c.limit);
  return { n: all.length };
}

/** Every value that a path leads to, through arrays, whose items count each by itself. */
function valuesAt(value, steps) {
  if (steps.length === 0) return Array.isArray(value) ? value : [value];
  if (Array.isArray(value)) {
    const at = /^\d+$/.test(steps[0]) ? valuesAt(value[steps[0]], steps.slice(1)) : [];
    return [...at, ...value.filter((v) => !Array.isArray(v)).flatMap((v) => valuesAt(v, steps))];
  }
  if (!isDocument(value)) return [];
  return valuesAt(value[steps[0]], steps.slice(1));
}

function distinct(documents, c, options) {
  const values = found(documents, c.query, options)
    .flatMap((document) => valuesAt(document, c.key.split('.')))
    .filter((value) => value !== undefined);
  const groups = aggregated(values.map((v) => ({ v })), [{ $group: { _id: '$v' } }], options);
  return { documents: groups.map(({ _id }) => _id) };
}

function aggregate(documents, c, options) {
  return { documents: aggregated(documents, c.pipeline, options) };
}

// ---- Writes

class WriteError extends Error {}

function setPath(document, path, value) {
  applyOperator(document, { $set: { [path]: value } });
}

/** "a.$.b" with the index of the first item that makes the document match. */
function positioned(path, document, filter, options) {
  const steps = path.split('.');
  const at = steps.indexOf('$');
  if (at < 0) return path;
  const array = steps.slice(0, at).join('.');
  const items = valuesAt(document, steps.slice(0, at));
  const query = new Query(filter, options);
  const index = items.findIndex((item) => {
    const alone = copyOf(document);
    setPath(alone, array, [item]);
    return query.test(alone);
  });
  if (index < 0) throw new WriteError('no item is the one of $');
  return positioned([array, index, ...steps.slice(at + 1)].join('.'), document, filter, options);
}

/** What `document` becomes. `filter` found it, or it is one that an upsert makes of that. */
function updated(document, statement, options, inserting) {
  const { q, u, arrayFilters } = statement;
  if (Array.isArray(u)) return aggregated([copyOf(document)], u, options)[0];
  const operators = Object.keys(u);
  if (!operators.some((name) => name.startsWith('$')))
    return { ...('_id' in document ? { _id: document._id } : {}), ...copyOf(u) };
  const after = copyOf(document);
  for (const name of operators) {
    if (name === '$setOnInsert' && !inserting) continue;
    for (const [path, value] of Object.entries(u[name])) {
      const operator = name === '$setOnInsert' ? '$set' : name;
      const to = inserting ? path : positioned(path, document, q, options);
      applyOperator(after, { [operator]: { [to]: copyOf(value) } }, arrayFilters);
    }
  }
  return after;
}

/** What a filter says that a field is: an upsert writes it into the new document. */
function equalities(filter) {
  return Object.entries(filter).flatMap(([path, value]) => {
    if (path === '$and') return value.flatMap(equalities);
    if (path === '$or' && value.length === 1) return equalities(value[0]);
    if (path.startsWith('$')) return [];
    if (value instanceof RegExp) return [];
    const [operator] = isDocument(value) ? Object.keys(value) : [];
    if (!operator?.startsWith('$')) return [[path, value]];
    if ('$eq' in value) return [[path, value.$eq]];
    return value.$in?.length === 1 ? [[path, value.$in[0]]] : [];
  });
}

const idOf = (document) => keyOf(document._id);

function insertOne(documents, document) {
  const stored = '_id' in document ? document : { _id: MADE_BY_SERVER, ...document };
  if (documents.some((other) => idOf(other) === idOf(stored))) throw new WriteError('_id is taken');
  documents.push(stored);
}

function upsert(documents, statement, options) {
  const start = {};
  for (const [path, value] of equalities(statement.q)) setPath(start, path, copyOf(value));
  insertOne(documents, updated(start, statement, options, true));
}

function updateOne(documents, document, statement, options) {
  const after = updated(document, statement, options, false);
  if (idOf(after) !== idOf(document)) throw new WriteError('_id does not change');
  documents[documents.indexOf(document)] = after;
  return after;
}

function update(documents, statement, options) {
  const { q, multi } = statement;
  const all = found(documents, q, options);
  if (all.length === 0 && statement.upsert) {
    upsert(documents, statement, options);
    return 1;
  }
  const chosen = multi ? all : all.slice(0, 1);
  for (const document of chosen) updateOne(documents, document, statement, options);
  return chosen.length;
}

function remove(documents, { q, limit }, options) {
  const all = found(documents, q, options);
  const chosen = new Set(limit === 1 ? all.slice(0, 1) : all);
  documents.splice(0, documents.length, ...documents.filter((document) => !chosen.has(document)));
  return chosen.size;
}

/** Statements in order; the first that fails is the last, as on the server. */
function each(documents, statements, run) {
  const answer = { n: 0, failed: false, after: documents };
  for (const statement of statements) {
    const before = copyOf(documents);
    try {
      answer.n += run(statement);
    } catch (e) {
      documents.splice(0, documents.length, ...before);
      answer.failed = true;
      answer.error = e.message;
      return answer;
    }
  }
  return answer;
}

const variablesOf = (collections, c, constants) => optionsOf(collections, { ...c.let, ...constants });

function writes(documents, c, collections) {
  const runs = {
    insert: (d) => {
      insertOne(documents, d);
      return 1;
    },
    update: (s) => update(documents, s, variablesOf(collections, c, s.c)),
    delete: (s) => remove(documents, s, variablesOf(collections, c)),
  };
  if ('insert' in c) return each(documents, c.documents, runs.insert);
  if ('update' in c) return each(documents, c.updates, runs.update);
  if ('delete' in c) return each(documents, c.deletes, runs.delete);
  return each(documents, c.ops, (op) => {
    if ('insert' in op) return runs.insert(op.document);
    const statement = { ...op, q: op.filter, u: op.updateMods, c: op.constants };
    if ('update' in op) return runs.update(statement);
    return runs.delete({ ...statement, limit: op.multi ? 0 : 1 });
  });
}

function findAndModify(documents, c, options) {
  const statement = { q: c.query ?? {}, u: c.update, arrayFilters: c.arrayFilters };
  return each(documents, [statement], () => {
    const all = found(documents, statement.q, options);
    const [first] = isEmpty(c.sort) ? all : aggregated([...all], [{ $sort: c.sort }], options);
    if (first === undefined) {
      if (!c.upsert || c.remove) return 0;
      upsert(documents, statement, options);
      return 1;
    }
    if (c.remove) {
      documents.splice(documents.indexOf(first), 1);
    } else {
      updateOne(documents, first, statement, options);
    }
    return 1;
  });
}

const READS = { find, count, distinct, aggregate };

/** The collection that a command is about. */
export function collectionOf(command) {
  const [name] = Object.keys(command);
  if (name === 'explain') return collectionOf(command.explain);
  return name === 'bulkWrite' ? command.nsInfo[0].ns.split('.')[1] : command[name];
}

/** @param collections documents by the name of their collection; they are not changed. */
export function run(collections, command) {
  const [name] = Object.keys(command);
  if (name === 'explain') return run(collections, command.explain);
  const documents = copyOf(collections[collectionOf(command)] ?? []);
  if (name in READS) return READS[name](documents, command, optionsOf(collections, command.let));
  if (name === 'findAndModify')
    return findAndModify(documents, command, optionsOf(collections, command.let));
  return writes(documents, command, collections);
}
