// What was dropped or chosen: files, and folders with all that is in them.

const isHidden = (name) => name.split("/").some((part) => part.startsWith("."));

// Of what lies in folders, audio and video by its ending; a file that was named is taken as it is.
export function isWanted(name, suffixes) {
	if (!name.includes("/")) return true;
	const ending = name.slice(name.lastIndexOf(".")).toLowerCase();
	return !isHidden(name) && suffixes.includes(ending);
}

// Of an input for files or a folder: [{name, file}].
export function chosenFiles(list, suffixes) {
	return [...list]
		.map((file) => ({ name: file.webkitRelativePath || file.name, file }))
		.filter(({ name }) => isWanted(name, suffixes));
}

// All files together, each once: {files, again: names of those that were there already}. Another
// file may have the same name; it has another size or time.
export function merged(files, more) {
	const keyOf = ({ name, file }) => JSON.stringify([name, file.size, file.lastModified]);
	const known = new Map(files.map((each) => [keyOf(each), each]));
	const again = [];
	for (const each of more) {
		if (known.has(keyOf(each))) again.push(each.name);
		else known.set(keyOf(each), each);
	}
	return { files: [...known.values()], again };
}

// The files of entries, folders walked, `most` and one more at most.
export async function filesOf(entries, suffixes, most) {
	const found = [];
	const waiting = [...entries].map((entry) => ({ entry, name: entry.name }));
	while (waiting.length && found.length <= most) {
		const { entry, name } = waiting.shift();
		if (entry.isFile) {
			if (isWanted(name, suffixes)) found.push({ name, file: await fileOf(entry) });
			continue;
		}
		const inside = await entriesOf(entry);
		inside.sort((a, b) => (a.name < b.name ? -1 : 1));
		waiting.unshift(...inside.map((one) => ({ entry: one, name: `${name}/${one.name}` })));
	}
	return found;
}

const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

async function entriesOf(folder) {
	const reader = folder.createReader();
	const found = [];
	for (;;) {
		// A hundred at a time, and none at the end.
		const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
		if (!some.length) return found;
		found.push(...some);
	}
}
