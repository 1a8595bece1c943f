/** Folder of the signer's log inside the data folder, and the key of its heads inside the trust folder. */
export const SIGNER_LOG_FOLDER = 'signer-log';
export const SIGNER_LOG_KEY_FILE = 'signer-log-key.pem';
