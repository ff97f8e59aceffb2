// One collection: documents in the order of their insertion, and indexes that are enforced.
import { ObjectId } from 'bson';
import { Aggregator, Query } from 'mingo';
import { OpType, useOperators } from 'mingo/core';
import { compare } from 'mingo/util';
import 'mingo/init/system';

import { bits } from './bits.mjs';
import { nearOf } from './geo.mjs';
import { bsonOf, equal, plain } from './values.mjs';

// Another name of $literal, which analyzers write.
useOperators(OpType.EXPRESSION, { $const: (_, value) => value });

export class MongoError extends Error {
  constructor(code, codeName, message, extra = {}) {
    super(message);
    this.code = code;
    this.codeName = codeName;
    this.extra = extra;
  }
}

/** What `make` fails with, is a mistake in the command. */
function checked(make) {
  try {
    return make();
  } catch (e) {
    throw new MongoError(2, 'BadValue', e.message);
  }
}

export const query = (filter) => {
  if ('$text' in filter)
    throw new MongoError(27, 'IndexNotFound', 'text index required for $text query');
  return checked(() => {
    const compiled = new Query(nearOf(plain(filter))?.rest ?? plain(filter), { context: bits });
    compiled.test({}); // mingo reports some unknown operators only when they are met
    return (document) => compiled.test(plain(document));
  });
};

const ID_INDEX = { v: 2, key: { _id: 1 }, name: '_id_' };

function parentOf(document, path, make) {
  const steps = path.split('.');
  const last = steps.pop();
  let at = document;
  for (const step of steps) {
    if (at[step] === undefined && make) at[step] = {};
    if (at[step] === null || typeof at[step] !== 'object') return [undefined, last];
    at = at[step];
  }
  return [at, last];
}

const set = (document, path, value) => {
  const [parent, name] = parentOf(document, path, true);
  if (parent === undefined)
    throw new MongoError(28, 'PathNotViable', `Cannot create field in element ${path}`);
  parent[name] = value;
};
const get = (document, path) => {
  const [parent, name] = parentOf(document, path, false);
  return parent?.[name];
};

const array = (document, path) => {
  const value = get(document, path) ?? [];
  if (!Array.isArray(value))
    throw new MongoError(2, 'BadValue', `The field '${path}' must be an array`);
  return value;
};

/** The number at `path`, for an operator that computes with it. */
function number(document, path, operator) {
  const value = plain(get(document, path) ?? 0);
  if (typeof value !== 'number')
    throw new MongoError(14, 'TypeMismatch', `Cannot apply ${operator} to a value of non-numeric type`);
  return value;
}

/** Sets the value where `wins` says so of how it compares with what is there. */
const setWhere = (wins) => (document, path, value) => {
  const old = get(document, path);
  if (old === undefined || wins(compare(plain(value), plain(old)))) set(document, path, value);
};

const remove = (document, path, goes) => {
  if (get(document, path) !== undefined)
    set(document, path, array(document, path).filter((v) => !goes(v)));
};

/** Whether an item goes, which is named by its value or by a condition. */
function pulled(condition) {
  const value = plain(condition);
  const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
  if (!isObject) return (v) => equal(v, condition);
  if (Object.keys(value).some((k) => k.startsWith('$'))) {
    const test = query({ v: condition });
    return (v) => test({ v });
  }
  const test = query(condition);
  return (v) => Object.getPrototypeOf(Object(v)) === Object.prototype && test(v);
}

// What each update operator does to `path`.
const OPERATORS = {
  $set: set,
  $unset: (document, path) => {
    const [parent, name] = parentOf(document, path, false);
    if (parent !== undefined) delete parent[name];
  },
  // Only while an upsert makes a document, see #updated.
  $setOnInsert: () => {},
  $rename: (document, path, to) => {
    const value = get(document, path);
    if (value === undefined) return;
    OPERATORS.$unset(document, path);
    set(document, to, value);
  },
  $inc: (document, path, by) => set(document, path, number(document, path, '$inc') + plain(by)),
  $mul: (document, path, by) => set(document, path, number(document, path, '$mul') * plain(by)),
  $max: setWhere((order) => order > 0),
  $min: setWhere((order) => order < 0),
  $currentDate: (document, path) => set(document, path, new Date()),
  $addToSet: (document, path, value) => {
    const old = array(document, path);
    const wanted = value?.$each ?? [value];
    set(document, path, [...old, ...wanted.filter((w) => !old.some((o) => equal(o, w)))]);
  },
  $push: (document, path, value) =>
    set(document, path, [...array(document, path), ...(value?.$each ?? [value])]),
  $pop: (document, path, end) => {
    if (get(document, path) === undefined) return;
    const items = array(document, path);
    set(document, path, plain(end) === -1 ? items.slice(1) : items.slice(0, -1));
  },
  $pull: (document, path, value) => remove(document, path, pulled(value)),
  $pullAll: (document, path, values) =>
    remove(document, path, (v) => values.some((w) => equal(v, w))),
};

/** Stages that may stand in an update; only fields whose values change are written. */
function applyPipeline(document, stages) {
  for (const stage of stages) {
    const [name] = Object.keys(stage);
    if (!['$set', '$addFields', '$unset', '$project'].includes(name))
      throw new MongoError(40324, 'Location40324', `Unrecognized pipeline stage name: '${name}'`);
    const before = plain(document);
    const [after] = new Aggregator([plain(stage)]).run([before]);
    for (const field of Object.keys(document))
      if (after[field] === undefined) delete document[field];
    for (const [field, value] of Object.entries(after))
      if (value !== undefined && !equal(before[field], value)) document[field] = bsonOf(value);
  }
}

/** What a filter says that a field is: that an upsert writes into the new document. */
function equalities(filter) {
  return Object.entries(filter).flatMap(([path, value]) => {
    if (path === '$and') return value.flatMap(equalities);
    if (path.startsWith('$')) return [];
    const [operator, ...others] = Object.keys(Object(plain(value)));
    if (!operator?.startsWith('$')) return [[path, value]];
    return operator === '$eq' && others.length === 0 ? [[path, value.$eq]] : [];
  });
}

export class Collection {
  constructor(namespace) {
    this.namespace = namespace;
    this.documents = [];
    this.indexes = [ID_INDEX];
  }

  find(filter) {
    const found = this.documents.filter(query(filter ?? {}));
    const near = checked(() => nearOf(plain(filter ?? {})));
    if (near === undefined) return found;
    if (!this.indexes.some((i) => ['2d', '2dsphere'].includes(i.key[near.path])))
      throw new MongoError(
        291,
        'NoQueryExecutionPlans',
        'error processing query: unable to find index for $geoNear query'
      );
    return found
      .map((document) => [near.order(plain(document)), document])
      .filter(([far]) => far !== undefined)
      .sort(([a], [b]) => a - b)
      .map(([_, document]) => document);
  }

  insert(document) {
    const stored = '_id' in document ? document : { _id: new ObjectId(), ...document };
    this.#checkIndexes(stored, undefined);
    this.documents.push(stored);
    return stored;
  }

  remove(document) {
    this.documents = this.documents.filter((d) => d !== document);
  }

  /** Changes `document` as `update` says; returns what it has become, or itself when it is same. */
  update(document, update) {
    const after = this.#updated(document, update);
    if (equal(document, after) && JSON.stringify(document) === JSON.stringify(after))
      return document;
    if (!equal(document._id, after._id))
      throw new MongoError(66, 'ImmutableField', "the field '_id' is immutable");
    this.#checkIndexes(after, document);
    this.documents[this.documents.indexOf(document)] = after;
    return after;
  }

  upsert(filter, update) {
    const start = {};
    for (const [path, value] of equalities(filter)) set(start, path, value);
    return this.insert(this.#updated(start, update, true));
  }

  createIndex(spec) {
    const old = this.indexes.find((i) => i.name === spec.name || equal(i.key, spec.key));
    if (old === undefined) {
      const index = { v: 2, ...spec };
      for (const d of this.documents) this.#checkIndex(index, d, d);
      this.indexes.push(index);
      return true;
    }
    const { v: _, ...known } = old;
    if (equal({ ...known }, { ...known, ...spec }) && Object.keys(known).length >= Object.keys(spec).length)
      return false;
    throw new MongoError(86, 'IndexKeySpecsConflict', `An index with other options exists: ${old.name}`);
  }

  #updated(document, update, inserting = false) {
    const after = structuredCopy(document);
    if (Array.isArray(update)) {
      applyPipeline(after, update);
      return after;
    }
    const operators = Object.keys(update);
    if (operators.every((o) => !o.startsWith('$')))
      return '_id' in update || !('_id' in document) ? { ...update } : { _id: document._id, ...update };
    for (const operator of operators) {
      if (!(operator in OPERATORS))
        throw new MongoError(9, 'FailedToParse', `Unknown modifier: ${operator}`);
      const apply = operator === '$setOnInsert' && inserting ? set : OPERATORS[operator];
      for (const [path, value] of Object.entries(update[operator])) {
        if (path.split('.').some((step) => step.startsWith('$')))
          throw new MongoError(2, 'BadValue', `this fixture has no positional paths: ${path}`);
        apply(after, path, value);
      }
    }
    return after;
  }

  #checkIndexes(document, instead) {
    for (const index of this.indexes) this.#checkIndex(index, document, instead);
  }

  #checkIndex(index, document, instead) {
    const unique = index === ID_INDEX || plain(index.unique);
    const covers = (d) =>
      index.partialFilterExpression === undefined || query(index.partialFilterExpression)(d);
    if (!unique || !covers(document)) return;
    const entries = (d) => {
      const path = Object.keys(index.key)[0];
      const value = plain(get(d, path) ?? null);
      return Array.isArray(value) ? value : [value];
    };
    const mine = entries(document);
    for (const other of this.documents) {
      if (other === instead || other === document || !covers(other)) continue;
      const shared = entries(other).find((o) => mine.some((m) => equal(o, m)));
      if (shared === undefined) continue;
      const keyValue = { [Object.keys(index.key)[0]]: bsonOf(shared) };
      throw new MongoError(
        11000,
        'DuplicateKey',
        `E11000 duplicate key error collection: ${this.namespace} index: ${index.name}`,
        { keyPattern: index.key, keyValue }
      );
    }
  }
}

/** A copy of documents and arrays; BSON values in them are never changed, so they may be shared. */
function structuredCopy(value) {
  if (Array.isArray(value)) return value.map(structuredCopy);
  if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, structuredCopy(v)]));
  return value;
}
