// Whether two types are the same, not merely assignable.
export type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

export function exactly<Expected>() {
  return <Actual>(_value: Actual, _same: Same<Expected, Actual>): void => undefined;
}
