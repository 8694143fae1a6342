// Counts down while networks are on trial. Optional: the page says until when without it.
const place = document.querySelector('[data-seconds]');
const words = place.closest('[data-trial-over]');
const soon = document.querySelector('[data-trial-soon]');
const end = performance.now() + Number(place.textContent) * 1000;

const timer = setInterval(() => {
  const left = Math.ceil((end - performance.now()) / 1000);
  // Read out twice, not every second.
  if (left === 15) soon.textContent = soon.dataset.trialSoon;
  if (left > 0) {
    place.textContent = left;
    return;
  }
  clearInterval(timer);
  words.textContent = words.dataset.trialOver;
  soon.textContent = words.dataset.trialOver;
  words.parentElement.querySelector('form').hidden = true;
}, 1000);
