/** Why a sign-in request from an app could not be served, in plain words. The OAuth code is shown small, for the app's makers. */
const WORDS: Readonly<Record<string, { zh: string; en: string }>> = {
  invalid_client: { zh: '该应用未登记或已停用。', en: 'This app is not registered, or it is suspended.' },
  invalid_redirect_uri: { zh: '应用提供的返回地址未登记。', en: 'The address the app wants to return to is not registered.' },
  invalid_request: { zh: '应用发来的请求不符合要求。', en: 'The request from the app is not acceptable.' },
  invalid_request_uri: { zh: '本次登录请求已使用或已失效。', en: 'This sign-in request was used already or has expired.' },
  session_not_found: {
    zh: '本次登录已失效或已结束，请回到应用重新发起。',
    en: 'This sign-in has expired or ended. Please start again from the app.',
  },
  access_denied: { zh: '您拒绝了本次授权。', en: 'You refused.' },
  unrecognized_route: { zh: '您访问的内容不存在。', en: 'There is nothing at this address.' },
  server_error: { zh: '系统内部出错，请稍后再试。', en: 'Something went wrong on our side.' },
};

const SESSION_GONE = /expired|not found|mismatch|ended/;

export function describeOidcError(data: Record<string, unknown>): { zh: string; en: string } {
  const code = String(data['error'] ?? '');
  const description = String(data['description'] ?? '');
  const known = code === 'invalid_request' && SESSION_GONE.test(description) && /session|authorization request/.test(description);
  const words = known ? WORDS['session_not_found'] : WORDS[code];
  return words ?? { zh: '应用发来的请求无法处理。', en: 'The request from the app cannot be served.' };
}
