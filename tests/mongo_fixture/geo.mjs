// Places: as much of them as tests ask for. Points alone have a place; what is inside of a shape is
// found in the plane, distances of GeoJSON points on a sphere.
import { OpType, useOperators } from 'mingo/core';
import { resolve } from 'mingo/util';

const EARTH = 6378100; // meters, as MongoDB has it

const isPair = (v) => Array.isArray(v) && v.length >= 2 && v.every((x) => typeof x === 'number');
/** [x, y] of a GeoJSON point or a pair of coordinates; undefined for anything else. */
const pointOf = (v) =>
  isPair(v) ? v : v?.type === 'Point' && isPair(v.coordinates) ? v.coordinates : undefined;

const radians = (degrees) => (degrees * Math.PI) / 180;
function angle([x1, y1], [x2, y2]) {
  const a =
    Math.sin(radians(y2 - y1) / 2) ** 2 +
    Math.cos(radians(y1)) * Math.cos(radians(y2)) * Math.sin(radians(x2 - x1) / 2) ** 2;
  return 2 * Math.asin(Math.min(1, Math.sqrt(a)));
}
const distance = ([x1, y1], [x2, y2]) => Math.hypot(x2 - x1, y2 - y1);

function isInRing([x, y], ring) {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [xi, yi] = ring[i];
    const [xj, yj] = ring[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}
const isInPolygon = (point, [outer, ...holes]) =>
  isInRing(point, outer) && !holes.some((hole) => isInRing(point, hole));

/** A function that says whether a point is in the shape. */
function insideOf(shape) {
  const { $geometry, $box, $polygon, $center, $centerSphere } = shape;
  if ($geometry?.type === 'Polygon') return (p) => isInPolygon(p, $geometry.coordinates);
  if ($geometry?.type === 'MultiPolygon')
    return (p) => $geometry.coordinates.some((polygon) => isInPolygon(p, polygon));
  if ($geometry?.type === 'Point') return (p) => distance(p, $geometry.coordinates) === 0;
  if ($box) {
    const [[left, bottom], [right, top]] = $box;
    return ([x, y]) => left <= x && x <= right && bottom <= y && y <= top;
  }
  if ($polygon) return (p) => isInPolygon(p, [$polygon]);
  if ($center) return (p) => distance(p, $center[0]) <= $center[1];
  if ($centerSphere) return (p) => angle(p, $centerSphere[0]) <= $centerSphere[1];
  throw new Error('unknown geo specifier');
}

const within = (path, shape) => {
  const inside = insideOf(shape);
  return (document) => {
    const point = pointOf(resolve(document, path));
    return point !== undefined && inside(point);
  };
};
useOperators(OpType.QUERY, { $geoWithin: within, $within: within, $geoIntersects: within });

/**
 * A filter without its $near: {path, rest, order}. `order` gives the distance of a plain document,
 * or undefined where it has no place or is too far or too near. undefined when there is none.
 */
export function nearOf(filter) {
  for (const [path, condition] of Object.entries(filter)) {
    const operator = ['$near', '$nearSphere'].find((o) => Object.hasOwn(Object(condition), o));
    if (operator === undefined) continue;
    const { [path]: _, ...rest } = filter;
    const given = condition[operator];
    const { $maxDistance, $minDistance } = given.$geometry ? given : condition;
    const center = pointOf(given.$geometry ?? given);
    if (center === undefined) throw new Error(`${operator} needs a point`);
    const between = (a, b) =>
      given.$geometry ? EARTH * angle(a, b) : operator === '$near' ? distance(a, b) : angle(a, b);
    const order = (document) => {
      const point = pointOf(resolve(document, path));
      const far = point === undefined ? NaN : between(point, center);
      return far >= ($minDistance ?? 0) && far <= ($maxDistance ?? Infinity) ? far : undefined;
    };
    return { path, rest, order };
  }
  return undefined;
}
