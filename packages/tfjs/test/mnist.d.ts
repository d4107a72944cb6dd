declare module "mnist" {
  /** The pictures of a digit. */
  interface Digit {
    readonly length: number;
    /** 28 × 28 values within 0..1. */
    get(index: number): number[];
  }
  const digits: readonly Digit[];
  export default digits;
}
