// BSON values as mingo can compute with them: its own containers know only primitive values apart
// reliably, so all else becomes one.
//
// What JavaScript has a value for is that value. Any other, dates too, is an atom: a string with
// its Extended JSON, equal by its content. A placeholder of the analysis becomes a token, which is
// a symbol: true, equal to itself alone, in no order, and an error to any operator that computes.
// Two placeholders have the same token when their ciphertexts would be equal: for the same
// deterministic algorithm, key, type and value, and never for a random one.
import { BSONRegExp, Binary, EJSON, deserialize } from 'bson';

// mingo asks isNaN() of everything before it looks whether it is a number; that throws for symbols.
globalThis.isNaN = (v) => typeof v !== 'number' || Number.isNaN(v);

const ENCRYPTED = 6;
const RANDOM = 2;
const tokens = new Map(); // by the placeholder's bytes
const values = new Map(); // by token
const methods = new Map(); // by token: algorithm and key

/** Forgets all tokens. */
export function forgetTokens() {
  tokens.clear();
  values.clear();
  methods.clear();
}

function tokenOf(bytes) {
  const text = Buffer.from(bytes).toString('latin1');
  const known = tokens.get(text);
  if (known !== undefined) return known;
  const { a, ki, v } = read(bytes.subarray(1));
  const token = Symbol(a);
  values.set(token, v);
  methods.set(token, { a, key: ki });
  if (a !== RANDOM) tokens.set(text, token);
  return token;
}

const atom = (text) => `\u0000${text}`;
export const MADE_BY_SERVER = atom('made by the server');

function valueOf(value) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) value[i] = valueOf(value[i]);
    return value;
  }
  if (value instanceof Date) return atom(`date ${value.getTime()}`);
  if (value instanceof Binary) {
    const bytes = value.value();
    if (value.sub_type === ENCRYPTED && bytes[0] === 0) return tokenOf(bytes);
  }
  if (value instanceof BSONRegExp) return new RegExp(value.pattern, 'i');
  if (value._bsontype !== undefined) return atom(EJSON.stringify(value));
  for (const name of Object.keys(value)) value[name] = valueOf(value[name]);
  return value;
}

const OPTIONS = { promoteBuffers: false, bsonRegExp: true };

/** One BSON document as a JavaScript object. */
export function read(bytes) {
  return valueOf(deserialize(bytes, OPTIONS));
}

export const isDocument = (v) =>
  v !== null && typeof v === 'object' && Object.getPrototypeOf(v) === Object.prototype;

/** A copy whose documents and arrays are new; `change` makes something else of any other value. */
export function copyOf(value, change = (v) => v) {
  if (Array.isArray(value)) return value.map((v) => copyOf(v, change));
  if (!isDocument(value)) return change(value);
  const copy = {};
  for (const name of Object.keys(value)) copy[name] = copyOf(value[name], change);
  return copy;
}

/** The answer as the client would have it: {value, tokens: how many there were}. */
export function decrypted(value) {
  let n = 0;
  const open = (v) => {
    if (typeof v !== 'symbol') return v;
    n += 1;
    return values.get(v);
  };
  return { value: copyOf(value, open), tokens: n };
}

/** Equal for equal values, also for tokens. */
export const keyOf = (value) =>
  typeof value === 'symbol' ? value : JSON.stringify(copyOf(value, (v) => values.get(v) ?? v));

/** How a value is encrypted: {a: algorithm, key}; undefined where it is not. */
export const methodOf = (value) => methods.get(value);
