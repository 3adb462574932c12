// The text file method of the new dataset page: a dataset without a name takes that of its list.
const form = document.querySelector("form[data-form]");
const name = form.elements.dataset_name;
const PLAIN = ["train", "training", "list", "images"];
let suggested = "";

function suggest(path) {
  const parts = path.split(/[\\/]/).filter(Boolean);
  const list = (parts.pop() ?? "").replace(/\.[^.]*$/, "");
  const word = PLAIN.includes(list) ? parts.pop() ?? list : list;
  if (name.value && name.value !== suggested) return;
  suggested = word;
  name.value = word;
  name.dispatchEvent(new Event("input", { bubbles: true }));
}

for (const field of ["textfile_train_images", "textfile_local_train_images"]) {
  form.elements[field].addEventListener("change", (event) => {
    const { files, value } = event.target;
    suggest(files?.length ? files[0].name : value);
  });
}
