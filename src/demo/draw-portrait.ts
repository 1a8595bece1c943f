/** A drawn head and shoulders for demo licences: nobody's photograph, and different enough to tell two people apart. */
import { pngOfSvg } from '#documents/page/svg-picture.ts';

/** Printed 34 mm wide: about 290 dpi. */
const WIDTH_PX = 390;
const HEIGHT_PX = 505;

export interface PortraitColours {
  skin: string;
  hair: string;
  coat: string;
  longHair: boolean;
}

/** PNG, in the proportions of the photo on a licence (34 × 44 mm), white ground. */
export async function drawPortrait(colours: PortraitColours): Promise<Uint8Array> {
  const { skin, hair, coat, longHair } = colours;
  const back = longHair ? `<path fill="${hair}" d="M95 215Q95 70 195 70T295 215V390H95Z"/>` : '';
  return pngOfSvg(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH_PX}" height="${HEIGHT_PX}" viewBox="0 0 ${WIDTH_PX} ${HEIGHT_PX}">
<path fill="#fff" d="M0 0H390V505H0Z"/>${back}
<path fill="${coat}" d="M20 540Q25 415 140 400H250Q365 415 370 540Z"/>
<path fill="${skin}" d="M155 330H235V400Q195 440 155 400Z"/>
<path fill="#f7f7f7" d="M140 400L195 455L250 400L262 412L195 490L128 412Z"/>
<ellipse fill="${skin}" cx="195" cy="235" rx="88" ry="118"/>
<path fill="${hair}" d="M103 225Q95 90 195 90T287 225Q275 165 195 160T103 225Z"/>
<g fill="#3a2c26"><ellipse cx="160" cy="238" rx="9" ry="6"/><ellipse cx="230" cy="238" rx="9" ry="6"/></g>
<g fill="none" stroke="#3a2c26" stroke-width="5" stroke-linecap="round"><path d="M144 218Q160 209 176 217M214 217Q230 209 246 218"/>
<path stroke="#b5786a" d="M195 245V275H188M172 305Q195 316 218 305"/></g></svg>`,
    WIDTH_PX,
  );
}
