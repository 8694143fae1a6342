// A link carries its code behind the #, where no log sees it: into the field with it, and out of the address bar.
// Without this file it is pasted.
const field = document.getElementById('token');

const take = () => {
  const code = new URLSearchParams(location.hash.slice(1)).get('k');
  if (!field || !code) return;
  field.value = code;
  history.replaceState(null, '', location.pathname + location.search);
  field.form.querySelector('button').focus();
};

take();
// Another link that is opened in the same tab changes only what is behind the #.
addEventListener('hashchange', take);
