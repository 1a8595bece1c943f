/** Folder of the signer's log inside the data folder; the keys of its heads inside the trust folder, and the links between them. */
export const SIGNER_LOG_FOLDER = 'signer-log';
export const SIGNER_LOG_KEY_FILE = 'signer-log-key.pem';
export const SIGNER_LOG_LINKS_FILE = 'signer-log-keys.jws';
