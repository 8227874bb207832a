#pragma once
// The script of the page of `gradus rank`. What a person has chosen is a list of picks, the best first; a pick with
// `tie` has the rank of the one before it. Texts reach the page as text nodes only.
namespace gradus {

inline constexpr const char* rank_page_script = R"js('use strict';
const $ = id => document.getElementById(id);
let me = {name: '', seat: sessionStorage.getItem('seat') || ''};
let shown = null, picks = [], busy = false;

async function post(action, body) {
  let response;
  try {
    response = await fetch(action, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)});
  } catch (unreachable) {
    throw new Error('gradus rank does not answer, so this choice is not saved. If it was ended, start it again and open ' +
                    'the address that it prints: everything submitted before is kept.');
  }
  let reply = {};
  try { reply = await response.json(); } catch (no_json) { reply.error = 'unexpected reply ' + response.status; }
  if (!response.ok) throw new Error(reply.error);
  return reply;
}

function ranks() {
  const all = shown.answers.map(() => 0);
  let rank = 0;
  picks.forEach((pick, i) => { if (i === 0 || !pick.tie) ++rank; all[pick.place] = rank; });
  return all;
}
const complete = () => shown !== null && picks.length === shown.answers.length;

function pick(place) {
  if (!shown || busy || place >= shown.answers.length || picks.some(p => p.place === place)) return;
  picks.push({place, tie: false});
  draw();
}
function unpick(place) {
  const at = picks.findIndex(p => p.place === place);
  if (at < 0 || busy) return;
  if (at + 1 < picks.length && !picks[at].tie) picks[at + 1].tie = false;
  picks.splice(at, 1);
  draw();
}
function tie(place) {
  const at = place === undefined ? picks.length - 1 : picks.findIndex(p => p.place === place);
  if (at < 1 || busy) return;
  picks[at].tie = !picks[at].tie;
  draw();
}
function undo() { if (!busy && picks.pop()) draw(); }

const ordinal = n => n + (n % 100 > 10 && n % 100 < 14 ? 'th' : ['th', 'st', 'nd', 'rd'][n % 10] || 'th');

function element(tag, name, text) {
  const e = document.createElement(tag);
  if (name) e.className = name;
  if (text !== undefined) e.textContent = text;
  return e;
}

function draw() {
  const all = ranks();
  shown.answers.forEach((answer, place) => {
    const card = $('answers').children[place], at = picks.findIndex(p => p.place === place);
    card.classList.toggle('ranked', at >= 0);
    const choose = card.querySelector('.choose'), equal = card.querySelector('.equal');
    choose.querySelector('.badge').textContent = at < 0 ? '–' : ordinal(all[place]);
    choose.setAttribute('aria-pressed', String(at >= 0));
    choose.setAttribute('aria-label', 'Answer ' + (place + 1) + (at < 0 ? ', not ranked: rank it ' + ordinal(Math.max(0, ...all) + 1)
                                                                       : ', ranked ' + ordinal(all[place]) + ': remove the rank'));
    equal.hidden = at < 1;
    equal.setAttribute('aria-pressed', String(at >= 1 && picks[at].tie));
  });
  let order = '';
  picks.forEach((p, i) => { order += (i === 0 ? '' : p.tie ? ' = ' : ' > ') + (p.place + 1); });
  $('order').textContent = picks.length === 0 ? 'Nothing is ranked yet: choose the best answer first.'
    : 'Best to worst: ' + order + (complete() ? '. Press Enter to submit.' : ' …');
  $('tie').disabled = picks.length < 2;
  $('undo').disabled = picks.length === 0;
  $('submit').disabled = !complete();
}

function show(state) {
  shown = state.item || null;
  picks = [];
  $('problem').textContent = '';
  $('start').hidden = true;
  $('work').hidden = !shown;
  $('end').hidden = !!shown;
  $('who').textContent = me.name;
  $('bar').max = state.judged + state.left;
  $('bar').value = state.judged;
  $('count').textContent = state.judged + ' ranked, ' + state.left + ' left';
  $('total').textContent = state.judged;
  if (!shown) return;
  $('prompt').replaceChildren(...shown.messages.map(m => {
    const block = element('div', 'message ' + (m.role === 'user' ? 'user' : 'other'));
    block.append(element('span', 'role', m.role), element('div', 'text', m.content));
    return block;
  }));
  $('answers').replaceChildren(...shown.answers.map((answer, place) => {
    const card = element('li', 'answer'), choose = element('button', 'choose'), equal = element('button', 'equal', '= tie with the one before');
    choose.type = equal.type = 'button';
    choose.append(element('kbd', '', place + 1), element('span', 'badge', '–'));
    const text = element('div', answer === '' ? 'text empty' : 'text', answer === '' ? '(an empty answer)' : answer);
    card.append(choose, text, equal);
    const toggle = () => picks.some(p => p.place === place) ? unpick(place) : pick(place);
    choose.addEventListener('click', event => { event.stopPropagation(); toggle(); });
    equal.addEventListener('click', event => { event.stopPropagation(); tie(place); });
    card.addEventListener('click', () => { if (String(getSelection()) === '') toggle(); });
    return card;
  }));
  draw();
  scrollTo(0, 0);
}

async function submit() {
  if (!complete() || busy) return;
  busy = true;
  $('submit').disabled = true;
  try {
    show(await post('rank', {...me, item: shown.id, ranks: ranks()}));
  } catch (problem) {
    $('problem').textContent = problem.message;
  }
  busy = false;
  if (shown) draw();
}

$('start').addEventListener('submit', async event => {
  event.preventDefault();
  me.name = $('name').value.trim();
  try {
    const state = await post('join', me);
    me.seat = state.seat;
    sessionStorage.setItem('seat', me.seat);
    localStorage.setItem('name', me.name);
    show(state);
    setInterval(() => post('alive', me).catch(() => {}), 20000);
  } catch (problem) {
    $('refused').textContent = problem.message;
  }
});
$('tie').addEventListener('click', () => tie());
$('undo').addEventListener('click', undo);
$('submit').addEventListener('click', submit);
document.addEventListener('keydown', event => {
  if (!shown || event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === 'INPUT') return;
  if (event.key >= '1' && event.key <= '9') pick(Number(event.key) - 1);
  else if (event.key === 't') tie();
  else if (event.key === 'u') undo();
  else if (event.key === 'Enter' && complete() && event.target.id !== 'undo' && event.target.id !== 'tie') {
    event.preventDefault();
    if (!event.repeat) submit();
  }
});
addEventListener('pagehide', () => {
  if (me.name) navigator.sendBeacon('leave', new Blob([JSON.stringify(me)], {type: 'application/json'}));
});
addEventListener('pageshow', event => { if (event.persisted) location.reload(); });
$('name').value = localStorage.getItem('name') || '';
$('name').focus();
)js";

}  // namespace gradus
