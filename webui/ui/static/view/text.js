// The texts of the catalogues with their values.

// Fields without a value stay as they are.
export const fill = (text, values) =>
	text.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? values[name] : whole));
