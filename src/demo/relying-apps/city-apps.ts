/** The two apps of the demo city: each an ordinary relying app with accounts of its own, as a city has dozens. */
export interface CityApp {
  id: string;
  name: { zh: string; en: string };
  operator: { zh: string; en: string };
  purpose: { zh: string; en: string };
  slogan: { zh: string; en: string };
  /** Main colour and a darker one for text on light ground. */
  colours: { main: string; dark: string; light: string };
  /** SVG path of the mark, 24 × 24. */
  mark: string;
  services: { zh: string; en: string }[];
  scopes: string[];
  requiredClaims: string[];
  /** First-party apps ask for no consent beyond their registration; the other one shows the consent page. */
  firstParty: boolean;
}

export const CITY_APPS: readonly [CityApp, CityApp] = [
  {
    id: 'e-rongcheng',
    name: { zh: 'e榕城', en: 'e-Rongcheng' },
    operator: { zh: '榕城市大数据发展管理局', en: 'Rongcheng Big Data Bureau' },
    purpose: { zh: '为您办理和查询城市公共服务', en: 'To handle and look up city services for you' },
    slogan: { zh: '一座城，一个应用', en: 'One city, one app' },
    colours: { main: '#0f7b5f', dark: '#0a5744', light: '#e8f5f0' },
    mark: 'M12 2C7 2 3 6 3 10.5c0 2.6 1.4 4.6 3.6 5.7L11 14v-3l-3-2 1-1 2 1.4V6h2v5l3-2 1 1.5-4 2.5V22h-2v-4.5L7 20M13 17.6c4.5-.4 8-3.3 8-7.1C21 6 17 2 12 2',
    services: [
      { zh: '公积金查询', en: 'Housing fund' },
      { zh: '社保缴费', en: 'Social insurance' },
      { zh: '不动产登记', en: 'Property register' },
      { zh: '公交乘车码', en: 'Bus pass' },
    ],
    scopes: ['openid', 'profile', 'phone', 'identity'],
    requiredClaims: ['name'],
    firstParty: true,
  },
  {
    id: 'i-ludao',
    name: { zh: 'i鹭岛', en: 'i-Ludao' },
    operator: { zh: '鹭岛市民卡服务有限公司', en: 'Ludao Citizen Card Ltd' },
    purpose: { zh: '为您开通市民卡和预约场馆', en: 'To open your citizen card and book venues' },
    slogan: { zh: '岛上生活，触手可及', en: 'Island life at hand' },
    colours: { main: '#1663c7', dark: '#0e4690', light: '#e9f1fc' },
    mark: 'M3 13c3-1 5-3 6-6 1 2 3 3 5 3l7-4c0 6-4 12-11 12-2 0-4-.5-5-1.5 2 0 3.500-.5 4.500-1.500C6 15 4 14.500 3 13z',
    services: [
      { zh: '市民卡', en: 'Citizen card' },
      { zh: '图书馆借阅', en: 'Library' },
      { zh: '体育场馆预约', en: 'Sports venues' },
      { zh: '轮渡船票', en: 'Ferry tickets' },
    ],
    scopes: ['openid', 'profile', 'phone', 'identity', 'citizen_number'],
    requiredClaims: ['name'],
    firstParty: false,
  },
];
