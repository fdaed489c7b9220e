/** The account that a device is linked to. */
export interface Own {
  /** With the device's number. */
  jid: string;
  /** Not every server tells it. */
  lid: string | undefined;
}
