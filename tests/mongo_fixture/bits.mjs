// Operators on bits, of numbers alone: mingo's own take a text for a number without bits.
import { Context, OpType } from 'mingo/core';
import { resolve } from 'mingo/util';

const maskOf = (bits) => (Array.isArray(bits) ? bits.reduce((m, bit) => m | (1 << bit), 0) : bits);
/** @param holds  of the bits that a number and the mask have in common, and the mask */
const operator = (holds) => (path, bits) => {
  const mask = maskOf(bits);
  const isFound = (v) => typeof v === 'number' && holds(v & mask, mask);
  return (document) => [resolve(document, path)].flat().some(isFound);
};

/** What mingo finds before its own: those are fixed once they are registered. */
export const bits = Context.init({
  [OpType.QUERY]: {
    $bitsAllClear: operator((common) => common === 0),
    $bitsAllSet: operator((common, mask) => common === mask),
    $bitsAnyClear: operator((common, mask) => common !== mask),
    $bitsAnySet: operator((common) => common !== 0),
  },
});
