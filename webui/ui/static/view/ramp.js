// Colours for a spectrogram: from the page's ground to the other end of lightness, in steps
// that look alike. The way is straight in lightness (OKLCH), and turns in hue on it.

const GROUND_HUE = 190;
const FAR = {
	light: { lightness: 0.24, hue: 292, chroma: 0.14 },
	dark: { lightness: 0.96, hue: 98, chroma: 0.13 },
};
export const SHADES = 256;

const linear = (byte) => {
	const share = byte / 255;
	return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
};
const encoded = (share) =>
	share <= 0.0031308 ? share * 12.92 : 1.055 * share ** (1 / 2.4) - 0.055;

// [red, green, blue] in 0..255 -> {lightness 0..1, a, b} of OKLab.
export function toLab([red, green, blue]) {
	const [r, g, b] = [linear(red), linear(green), linear(blue)];
	const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
	const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
	const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
	return {
		lightness: 0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
		a: 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
		b: 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
	};
}

function fromLab(lightness, a, b) {
	const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
	const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
	const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
	return [
		4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
		-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
		-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
	];
}

// The colour with as much of its chroma as a screen can show.
function shown(lightness, hue, chroma) {
	const angle = (hue * Math.PI) / 180;
	let [low, high] = [0, chroma];
	let best = fromLab(lightness, 0, 0);
	for (let step = 0; step < 12; step++) {
		const tried = step ? (low + high) / 2 : chroma;
		const colour = fromLab(lightness, tried * Math.cos(angle), tried * Math.sin(angle));
		if (colour.every((share) => share >= -1e-4 && share <= 1.0001)) {
			[best, low] = [colour, tried];
			if (tried === chroma) break;
		} else high = tried;
	}
	return best.map((share) => Math.round(255 * encoded(Math.min(1, Math.max(0, share)))));
}

// 256 colours as RGBA bytes, the first of them the ground, [red, green, blue] in 0..255.
export function ramp(ground) {
	const { lightness, a, b } = toLab(ground);
	const far = lightness < 0.5 ? FAR.dark : FAR.light;
	// On a dark page the way goes through blue and green, on a light one through green and blue.
	const from = lightness < 0.5 ? 285 : GROUND_HUE;
	const bytes = new Uint8ClampedArray(SHADES * 4);
	for (let shade = 0; shade < SHADES; shade++) {
		const share = shade / (SHADES - 1);
		const chroma = Math.hypot(a, b) * (1 - share) + far.chroma * Math.sin(Math.min(1, share * 1.6) * Math.PI * 0.5);
		const colour = shown(
			lightness + share * (far.lightness - lightness),
			from + share * (far.hue - from),
			chroma,
		);
		bytes.set([...(shade ? colour : ground), 255], shade * 4);
	}
	return bytes;
}

// "#rrggbb" or "#rgb" as [red, green, blue].
export function parseColour(text) {
	const digits = text.replace("#", "");
	const pair = digits.length === 3 ? [...digits].map((digit) => digit + digit) : digits.match(/../g);
	return pair.slice(0, 3).map((hex) => parseInt(hex, 16));
}
