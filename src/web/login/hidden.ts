/** Pages are no part of the API's description. */
export const HIDDEN = { schema: { hide: true } };
