import assert from "node:assert/strict";
import test from "node:test";

import { within } from "../../webui/ui/static/view/sliders.js";

const field = (value) => ({ value, min: "150", max: "6000" });

test("a number within the range stays", () => {
	assert.equal(within(field("400")), 400);
	assert.equal(within({ value: "-0.25", min: "-1", max: "1" }), -0.25);
});

test("others go to the nearest end, an empty field to the lower one", () => {
	assert.equal(within(field("99999")), 6000);
	assert.equal(within(field("-5")), 150);
	assert.equal(within(field(" ")), 150);
});
