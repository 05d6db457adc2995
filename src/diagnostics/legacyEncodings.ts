import { TextDecoder } from 'node:util';

/** An encoding, and how much of a text that was decoded by it reads like its language: 0 to 1. */
interface Encoding {
  readonly label: string;
  readonly rate: (text: string) => number;
}

/** The most frequent characters, and those of what TWS and systems say of connections. */
const simplified =
  '的一是不了在人有我他这中大来上个国和到说们为子时要就出会可也你对生能而得于着下自之年过发后作里用道行所然事成方多经去法学如都同现当没动面起定分还进好部其主心前开但因只从想日者意无力它长把机第公此已工使情明性知三又关点正外将高间由问很最重并物手应向头文体政相见结接错误失败断服务器市场数据请求拒绝超恢复常登录网络目标计算积极订阅账户查询历史通知信息代码容合约委托丢连闭';
const traditional =
  '的一是不了在人有我他這中大來上個國和到說們為子時要就出會可也你對生能而得於著下自之年過發後作裡用道行所然事成方多經去法學如都同現當沒動面起定分還進好部其主心前開但因只從想日者意無力它長把機第公此已工使情明性知三又關點正外將高間由問很最重並物手應向頭文體政相見結接錯誤失敗斷服務伺器市場資料數據請求拒絕逾超恢復常登入錄網路目標電腦計算積極訂閱帳戶查詢歷史通知訊息代碼容合約委託遺連線閉遠端';
const hangul =
  '이다는을를의에가고하지연결수없습니로기사시도대서한정인어자있으나해과된되거부오류간초와만등그보스전제리라일주원격버비데터까합함않못요청네트워크실패끊김상구독계좌응답컴퓨했었였여므모두장은들게것때아안또때문분석';

function among(frequent: string): Encoding['rate'] {
  const known = new Set(frequent);
  return (text) => share(text, (char) => known.has(char));
}

/** The share of the characters beyond ASCII that fit. */
function share(text: string, fits: (char: string) => boolean): number {
  const foreign = Array.from(text).filter((char) => char > '\u007f');
  return foreign.length === 0 ? 0 : foreign.filter(fits).length / foreign.length;
}

/** Japanese has kana between its characters; other languages have none. */
function kana(text: string): number {
  const found = share(text, (char) => char >= '\u3041' && char <= '\u30fe');
  return found < 0.2 ? 0 : 0.5 + found / 2;
}

/** Words of small letters; accented letters of Western texts stand among ASCII ones. */
function cyrillic(text: string): number {
  const isMixed = /[A-Za-z][А-яё]|[А-яё][A-Za-z]/.test(text);
  const isWord = /(?<![А-яёЁ])[А-яЁё][а-яё]{3}/.test(text);
  return isMixed || !isWord ? 0 : share(text, (char) => /[а-яё]/.test(char));
}

const encodings: readonly Encoding[] = [
  { label: 'gb18030', rate: among(simplified) },
  { label: 'shift_jis', rate: kana },
  { label: 'euc-jp', rate: kana },
  { label: 'euc-kr', rate: among(hangul) },
  { label: 'big5', rate: among(traditional) },
  { label: 'windows-1251', rate: cyrillic },
  { label: 'ibm866', rate: cyrillic },
];

/** By chance a wrong encoding meets about one frequent character in twenty. */
const leastRate = 0.25;
/** So well reads no other encoding. */
const plainRate = 0.6;

/**
 * A line that is no UTF-8 in the encoding of an Asian or Cyrillic Windows in which it reads best;
 * undefined where it reads well in none.
 */
export function decodeLegacy(line: Uint8Array): string | undefined {
  let best: string | undefined;
  let bestRate = leastRate;
  for (const { label, rate } of encodings) {
    const text = decodeStrictly(line, label);
    const rated = text === undefined ? 0 : rate(text);
    if (rated > bestRate) {
      best = text;
      bestRate = rated;
    }
    if (rated >= plainRate) {
      break;
    }
  }
  return best;
}

/** Undefined for bytes that are none of that encoding, or where this Node lacks its table. */
function decodeStrictly(line: Uint8Array, label: string): string | undefined {
  try {
    return new TextDecoder(label, { fatal: true }).decode(line);
  } catch {
    return undefined;
  }
}
