// Evaluating matches, as the unified test format has it (specification: unified-test-format,
// "Evaluating Matches").
import { BSON } from 'mongodb';

const { EJSON } = BSON;

// Drivers have classes for some documents.
const isDocument = (v) =>
  v !== null &&
  typeof v === 'object' &&
  v._bsontype === undefined &&
  !(Array.isArray(v) || v instanceof Date || v instanceof RegExp);
const textOf = (v) => (v === undefined ? 'nothing' : EJSON.stringify(v));

const isNumber = (v) => typeof v === 'number' || ['Int32', 'Long', 'Double'].includes(v?._bsontype);
const TYPES = {
  string: (v) => typeof v === 'string',
  bool: (v) => typeof v === 'boolean',
  int: (v) => Number.isInteger(v) || v?._bsontype === 'Int32',
  long: (v) => Number.isInteger(v) || typeof v === 'bigint' || v?._bsontype === 'Long',
  double: (v) => typeof v === 'number' || v?._bsontype === 'Double',
  number: isNumber,
  object: isDocument,
  array: Array.isArray,
  date: (v) => v instanceof Date,
  binData: (v) => v?._bsontype === 'Binary',
  objectId: (v) => v?._bsontype === 'ObjectId',
};

const OPERATORS = {
  $$exists: (wanted, actual) => (actual !== undefined) === wanted,
  $$type: (wanted, actual) => [wanted].flat().some((name) => TYPES[name](actual)),
};

/**
 * Why `actual` is not what a file expects; undefined when it is. Where `isRoot`, the document may
 * have more fields than are expected, or the documents of the array.
 */
export function mismatch(expected, actual, isRoot = true, path = '') {
  const wrong = () => `${path || 'it'} is ${textOf(actual)}, not ${textOf(expected)}`;
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return wrong();
    return firstOf(expected, (e, i) =>
      mismatch(e, actual[i], isRoot && path === '', `${path}[${i}]`)
    );
  }
  if (isDocument(expected)) {
    const [[operator, wanted] = [], ...others] = Object.entries(expected);
    const isUnset = actual === undefined || actual === null;
    if (operator === '$$unsetOrMatches')
      return isUnset ? undefined : mismatch(wanted, actual, isRoot, path);
    if (operator?.startsWith('$$') && others.length === 0) {
      if (!(operator in OPERATORS)) throw new Error(`this runner has no ${operator}`);
      return OPERATORS[operator](wanted, actual) ? undefined : wrong();
    }
    if (!isDocument(actual)) return wrong();
    const unknown = Object.keys(actual).find((k) => !Object.hasOwn(expected, k));
    if (!isRoot && unknown !== undefined) return `${path}.${unknown} is not expected: ${wrong()}`;
    const at = (k) => (Object.hasOwn(actual, k) ? actual[k] : undefined);
    return firstOf(Object.entries(expected), ([k, e]) =>
      mismatch(e, at(k), false, path === '' ? k : `${path}.${k}`)
    );
  }
  if (isNumber(expected) && isNumber(actual))
    return Number(expected) === Number(actual) ? undefined : wrong();
  return actual !== undefined && textOf(expected) === textOf(actual) ? undefined : wrong();
}

function firstOf(items, why) {
  for (const [i, item] of items.entries()) {
    const text = why(item, i);
    if (text !== undefined) return text;
  }
  return undefined;
}
