// Server paths complete while they are typed: a combobox fed by /autocomplete/path.
//
//   <span class="suggest"><input data-complete role="combobox" ...></span>

export function attach(root) {
  for (const input of root.querySelectorAll("input[data-complete]:not([data-ready])")) {
    input.dataset.ready = "";
    new Completion(input);
  }
}

let count = 0;

class Completion {
  constructor(input) {
    this.input = input;
    this.list = document.createElement("div");
    this.list.id = `paths-${++count}`;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Paths on the server");
    this.list.hidden = true;
    input.after(this.list);
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-expanded", "false");
    input.setAttribute("aria-controls", this.list.id);
    input.autocomplete = "off";
    input.addEventListener("input", () => this.wait());
    input.addEventListener("keydown", (event) => this.pressed(event));
    input.addEventListener("blur", () => this.close());
    // Before the blur of the box, which would hide the list under the pointer.
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      if (event.target.role === "option") this.take(event.target.textContent);
    });
  }

  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), 120);
  }

  async ask() {
    const query = this.input.value.trim();
    if (!query.startsWith("/")) return this.close();
    try {
      const reply = await fetch(`/autocomplete/path?query=${encodeURIComponent(query)}`);
      const { suggestions } = JSON.parse(await reply.text());
      if (query === this.input.value.trim() && document.activeElement === this.input) this.show(suggestions);
    } catch {
      this.close();
    }
  }

  show(paths) {
    this.list.replaceChildren(...paths.slice(0, 100).map((path, place) => {
      const option = document.createElement("div");
      option.role = "option";
      option.id = `${this.list.id}-${place}`;
      option.textContent = path;
      return option;
    }));
    this.place = -1;
    this.list.hidden = paths.length === 0;
    this.input.setAttribute("aria-expanded", String(paths.length > 0));
  }

  close() {
    clearTimeout(this.timer);
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  take(path) {
    this.input.value = path;
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
    this.close();
    this.wait();
  }

  pressed(event) {
    const options = [...this.list.children];
    if (this.list.hidden || !options.length) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      this.place = (this.place + step + options.length) % options.length;
      options.forEach((option, place) => option.setAttribute("aria-selected", String(place === this.place)));
      options[this.place].scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", options[this.place].id);
    } else if (event.key === "Enter" && this.place >= 0) {
      event.preventDefault();
      this.take(options[this.place].textContent);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      this.close();
    }
  }
}
