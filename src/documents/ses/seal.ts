/** Types of the electronic seal structures: GM/T 0031-2014 (V1), GB/T 38540-2020 (V4), GM/T 0031-2025 (V5). */

export type SesVersion = 1 | 4 | 5;

export interface SealPicture {
  /** As written: "PNG", "png", "ofd", "GIF"… Compare without case. */
  type: string;
  data: Uint8Array;
  widthMm: number;
  heightMm: number;
}

export interface ExtensionData {
  oid: string;
  critical: boolean;
  value: Uint8Array;
}

/** SES_SealInfo: what the seal maker signs in V4 and V5. */
export interface SealInfo {
  /** The encoding as it stood. */
  der: Uint8Array;
  headerVersion: number;
  vendor: string;
  /** 电子印章标识 */
  esId: string;
  /** Type number; code tables differ between platforms. */
  type: number;
  name: string;
  /** DER certificates of those who may use the seal (certListType 1, and V1). */
  certificates: readonly Uint8Array[];
  /** Digests of such certificates (certListType 2). */
  certificateDigests: readonly { algorithm: string; value: Uint8Array }[];
  createdAt: Date;
  validFrom: Date;
  validTo: Date;
  picture: SealPicture;
  extensions: readonly ExtensionData[];
}

export interface Seal extends SealInfo {
  version: SesVersion;
  /** The whole SESeal as it stood. */
  sealDer: Uint8Array;
  makerCertificate: Uint8Array;
  signatureOid: string;
  signature: Uint8Array;
  /** What the maker signed: DER(eSealInfo), in V1 DER(SEQUENCE{info, cert, algorithm}). */
  toBeSigned: Uint8Array;
  /** V5 only: a token over `signature`. */
  timeStamp?: Uint8Array;
  /** Deviations that were read nevertheless. */
  warnings: readonly string[];
}

/** TBS_Sign: what the signer signs. */
export interface TbsSign {
  /** The encoding as it stood: the signature is over these bytes. */
  der: Uint8Array;
  version: number;
  seal: Seal;
  /** Claimed time of signing; undefined when it cannot be read. */
  signedAt: Date | undefined;
  /** V1 may carry a time-stamp token in timeInfo. */
  timeInfoToken?: Uint8Array;
  dataHash: Uint8Array;
  propertyInfo: string;
  extensions: readonly ExtensionData[];
  warnings: readonly string[];
}

export interface SesSignature {
  version: SesVersion;
  toSign: TbsSign;
  signerCertificate: Uint8Array;
  signatureOid: string;
  signature: Uint8Array;
  /** A token over `signature`. */
  timeStamp?: Uint8Array;
  warnings: readonly string[];
}
