"""Words for what an extra does to a file, and why it is over, in both languages."""

from collections.abc import Mapping

Words = Mapping[str | int, str]

RELIEF_EN: Words = {
    "hash_allow": "not detected any more",
    "hash_add": "detected from now on",
    "rule_add": "detected by a new rule",
}
ENDING_EN: Words = {
    "expired": "its time is over",
    "shipped": "a published version does the same",
    "fixed": "the fix is out",
    "closed": "the submission was closed",
    "taken_back": "it was taken back",
    "contradicted": "a published version contradicts it",
    "base_replaced": "a version without it was published",
    "base_withdrawn": "the version that it stood on was withdrawn",
    "change_withdrawn": "the change was withdrawn",
}
RELIEF_RU: Words = {
    "hash_allow": "больше не обнаруживается",
    "hash_add": "теперь обнаруживается",
    "rule_add": "обнаруживается по новому правилу",
}
ENDING_RU: Words = {
    "expired": "истёк её срок",
    "shipped": "то же делает опубликованная версия",
    "fixed": "вышло исправление",
    "closed": "обращение закрыто",
    "taken_back": "она отменена",
    "contradicted": "ей противоречит опубликованная версия",
    "base_replaced": "опубликована версия без этого изменения",
    "base_withdrawn": "отозвана версия, которую оно дополняло",
    "change_withdrawn": "изменение отозвано",
}
