/** What must not be signed: it would give a file that cannot be judged, or break a signature that is there. */
import { Problem } from '#problem.ts';
import { findSignatures } from './find-signatures.ts';
import { readForm } from './form-fields.ts';
import { readPageTree } from './pages.ts';
import type { PdfView } from './pdf-file.ts';
import { rulesOf } from './permissions.ts';

export interface SigningPlan {
  fieldName: string;
  /** Something of the signature is drawn. */
  visible: boolean;
  /** Something is drawn on pages besides the signature's own field, or fields are reserved. */
  changesPages: boolean;
  certification: boolean;
}

/** Throws Problem `pdf-not-signable`, `pdf-encrypted`, and PdfError for a page tree that cannot be read. */
export function assertSignable(view: PdfView, plan: SigningPlan): void {
  if (view.encrypted) throw new Problem('pdf-encrypted');
  // A page tree with loops or gaps would be sealed well and could never be compared with what comes after.
  readPageTree(view);
  const earlier = view.catalog.entries.has('AcroForm') ? findSignatures(view.file, view) : [];
  if (earlier.length === 0) return;
  const levels = earlier.map(({ dict }) => rulesOf(view, dict).certification);
  if (levels.includes(1)) {
    refuse('The PDF was certified to allow no further changes, signatures included.', '该 PDF 已认证为不允许任何更改，不能再次签署。');
  }
  const isCertified = levels.some((level) => level !== undefined);
  if (isCertified && plan.visible && !readForm(view).nodes.some(({ name }) => name === plan.fieldName)) {
    refuse(
      'After a certification a visible seal needs a field that was reserved for it.',
      '文件认证后，可见印章只能加盖在预留的签名域中。',
    );
  }
  if (plan.certification) refuse('A certification must be the first signature of a PDF.', '认证签名必须是 PDF 的第一个签名。');
  if (plan.changesPages) {
    refuse(
      'Stamps on further pages and reserved fields must come with the first signature.',
      '骑缝章、多页印章和预留签名域只能在首次签署时加入。',
    );
  }
}

function refuse(detail: string, detailZh: string): never {
  throw new Problem('pdf-not-signable', { detail, detailZh });
}
