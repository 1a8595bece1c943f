/** The address in the QR code printed on a licence: paper outlives codes, so it opens a page, and only for who has the paper. */
export function publicAddressOf(publicOrigin: string, token: string): string {
  return `${publicOrigin}/v/${token}`;
}
