// The numbers of `FAULT` in command.ts are those that core has for authors of backends.
export { faultError, type FaultKind } from "@tessera/core/authoring";
