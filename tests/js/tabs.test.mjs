import assert from "node:assert/strict";
import test from "node:test";

import { tabFor, withTab } from "../../webui/ui/static/view/tabs.js";

test("arrows go round, Home and End to the ends, other keys nowhere", () => {
	assert.equal(tabFor("ArrowRight", 0, 3), 1);
	assert.equal(tabFor("ArrowRight", 2, 3), 0);
	assert.equal(tabFor("ArrowLeft", 0, 3), 2);
	assert.equal(tabFor("Home", 2, 3), 0);
	assert.equal(tabFor("End", 0, 3), 2);
	assert.equal(tabFor("Enter", 1, 3), -1);
});

test("the address keeps what else it says, and the first tab needs no name", () => {
	assert.equal(withTab("?r=abc&speech_noise_thres=0.3", "live"), "r=abc&speech_noise_thres=0.3&tab=live");
	assert.equal(withTab("?tab=live&r=abc", "detect"), "r=abc");
	assert.equal(withTab("?tab=live", "live"), "tab=live");
	assert.equal(withTab("", "detect"), "");
});
