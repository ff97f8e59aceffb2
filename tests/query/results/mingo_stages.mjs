// Stages that mingo 6.7 gets wrong, as MongoDB's manual describes them. They replace mingo's own.
import { Aggregator, Query } from 'mingo';
import { computeValue } from 'mingo/core';
import * as accumulators from 'mingo/operators/accumulator';
import * as queryOperators from 'mingo/operators/query';
import { removeValue, resolve, setValue } from 'mingo/util';

import { copyOf, isDocument } from './values.mjs';

const KEEP = ['$$KEEP', 'keep'];
const PRUNE = ['$$PRUNE', 'prune'];
const DESCEND = ['$$DESCEND', 'descend'];

function redacted(document, expression, options) {
  const action = computeValue(document, expression, null, options);
  if (KEEP.includes(action)) return document;
  if (PRUNE.includes(action)) return undefined;
  if (!DESCEND.includes(action)) throw new Error('$redact must give KEEP, PRUNE or DESCEND');
  const within = (value) => {
    if (Array.isArray(value)) return value.map(within).filter((item) => item !== undefined);
    return isDocument(value) ? redacted(value, expression, options) : value;
  };
  const out = {};
  for (const [name, value] of Object.entries(document)) {
    const left = within(value);
    if (left !== undefined) out[name] = left;
  }
  return out;
}

/** mingo keeps `undefined` for a pruned document, knows no "descend", and descends with $cond only. */
function $redact(documents, expression, options) {
  return documents
    .map((document) => redacted(document, expression, options))
    .filter((document) => document !== undefined);
}

/** mingo runs a pipeline over the whole collection, also beside localField and foreignField. */
function $lookup(documents, stage, options) {
  const { from, localField, foreignField, as, pipeline } = stage;
  const foreign = options.collectionResolver(from);
  return documents.map((document) => {
    let joined = foreign;
    if (localField !== undefined) {
      const local = resolve(document, localField) ?? null;
      const wanted = Array.isArray(local) ? [...local.flat(), local] : [local];
      const query = new Query({ [foreignField]: { $in: wanted } }, options);
      joined = foreign.filter((d) => query.test(d));
    }
    if (pipeline !== undefined) {
      const bound = computeValue(document, stage.let ?? {}, null, options);
      const variables = { ...options.variables, ...bound };
      joined = new Aggregator(pipeline, { ...options, variables }).run(joined);
    }
    return { ...document, [as]: joined };
  });
}

/** mingo writes into the documents that come in, also while it still reads them. */
function $addFields(documents, fields, options) {
  return documents.map((document) => {
    const made = Object.entries(fields).map(([path, expression]) => [
      path,
      copyOf(computeValue(document, expression, null, options)),
    ]);
    const out = copyOf(document);
    for (const [path, value] of made)
      value === undefined ? removeValue(out, path) : setValue(out, path, value);
    return out;
  });
}

/** mingo gives one document more than once, and never ends without a size. */
function $sample(documents, { size }) {
  if (!Number.isInteger(size) || size <= 0) throw new Error('$sample needs a size');
  return documents.transform((all) => {
    const rest = [...all];
    const chosen = [];
    while (chosen.length < size && rest.length !== 0)
      chosen.push(...rest.splice(Math.floor(Math.random() * rest.length), 1));
    return chosen;
  });
}

/** mingo takes these for operators of a field as well, and forgets the field. */
const topLevelOnly = (name) => (path, value, options) => {
  if (path !== name) throw new Error(`unknown operator: ${name}`);
  return queryOperators[name](path, value, options);
};

/** mingo takes null for no expression at all, and hands over whole documents. */
const ofNullToo = (accumulator) => (documents, expression, options) =>
  accumulator(documents, expression === null ? { $literal: null } : expression, options);

export const OURS = {
  accumulator: Object.fromEntries(
    Object.entries(accumulators).map(([name, accumulator]) => [name, ofNullToo(accumulator)])
  ),
  expression: { $const: (_, value) => value }, // another name of $literal
  pipeline: { $addFields, $set: $addFields, $redact, $lookup, $sample },
  query: Object.fromEntries(
    ['$and', '$or', '$nor', '$expr', '$jsonSchema', '$where'].map((n) => [n, topLevelOnly(n)])
  ),
};
