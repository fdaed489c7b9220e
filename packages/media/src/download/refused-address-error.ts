import type { AddressKind } from './address-table.ts';

/** A connection was not made, because it would have led to an address that must not be fetched from. */
export class RefusedAddressError extends Error {
  override name = 'RefusedAddressError';
  readonly kind: AddressKind;

  constructor(kind: AddressKind) {
    super(`refused to connect to a ${kind} address`);
    this.kind = kind;
  }
}
