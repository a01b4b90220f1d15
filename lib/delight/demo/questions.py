"""The questionnaire of the demo study: codebook, answers, and the study.toml that goes with them."""

from __future__ import annotations

import pandas as pd

from delight.study.codebook import COLUMNS

#: Kano questions: "how would you feel if ... / if not ...?"; the label names the feature.
KANO_NOTE = "how would you feel if we offered this? asked in the last two waves"

# column, role, (en, nl, da), and the other cells of codebook.csv
QUESTIONS = [
    ("customer", "respondent", ("Customer number", "Klantnummer", "Kundenummer"), {}),
    ("completed", "date", ("Completed on", "Ingevuld op", "Besvaret den"), {}),
    ("duration", "duration", ("Time taken, in seconds", "Invultijd in seconden", "Tidsforbrug i sekunder"), {}),
    ("location", "location", ("Location", "Locatie", "Lokation"), {}),
    ("care_type", "background", ("Type of care", "Soort opvang", "Pasningstype"), {"answer_set": "care_type"}),
    ("age_group", "background", ("Age of the (youngest) child", "Leeftijd van het (jongste) kind", "Det (yngste) barns alder"), {"answer_set": "age_group"}),
    ("children", "background", ("Children in our care", "Kinderen op onze opvang", "Børn hos os"), {"answer_set": "children"}),
    ("tenure", "tenure", ("Customer for (months)", "Klant sinds (maanden)", "Kunde i (måneder)"), {"note": "from the contract file"}),
    ("spend", "spend", ("Invoice a month, in euro", "Factuur per maand, in euro", "Regning pr. måned i euro"), {"note": "from the contract file"}),
    ("overall", "overall", ("All in all, which grade do you give us?", "Welk cijfer geeft u ons alles bij elkaar?", "Hvilken karakter giver du os alt i alt?"), {"scale": (1, 10)}),
    ("recommend", "recommend", ("How likely are you to recommend us to other parents?", "Hoe waarschijnlijk is het dat u ons aanbeveelt aan andere ouders?", "Hvor sandsynligt er det, at du vil anbefale os til andre forældre?"), {"scale": (0, 10)}),
    ("choose_again", "repurchase", ("Would you choose us again?", "Zou u opnieuw voor ons kiezen?", "Ville du vælge os igen?"), {"scale": (1, 5), "answer_set": "certainty"}),
    ("stay", "stayed", ("Do you expect to be our customer a year from now?", "Verwacht u over een jaar nog klant te zijn?", "Forventer du at være kunde hos os om et år?"), {"scale": (0, 1), "answer_set": "yes_no_unknown"}),
    ("churned", "churned", ("Left within half a year after the survey", "Binnen een half jaar na de meting vertrokken", "Stoppet inden for et halvt år efter målingen"), {"scale": (0, 1), "note": "from the contract file; a child that outgrows the care counts as stayed"}),
    ("safety", "attribute", ("Safety and hygiene", "Veiligheid en hygiëne", "Sikkerhed og hygiejne"), {"scale": (1, 10), "group": "preventing_discomfort", "level": 1, "employee": "no", "touchpoint": "day"}),
    ("agreements", "attribute", ("Keeping agreements", "Nakomen van afspraken", "Aftaler bliver holdt"), {"scale": (1, 10), "group": "basics_in_order", "level": 1, "employee": "yes", "touchpoint": "contact"}),
    ("accessibility", "attribute", ("Accessibility by telephone and app", "Bereikbaarheid per telefoon en app", "Tilgængelighed på telefon og app"), {"scale": (1, 10), "answer_set": "applies", "group": "accessibility", "level": 1, "employee": "no", "touchpoint": "contact", "pair": "quick_answer"}),
    ("complaints", "attribute", ("Handling of problems and complaints", "Afhandeling van problemen en klachten", "Håndtering af problemer og klager"), {"scale": (1, 10), "answer_set": "applies", "group": "complaint_handling", "level": 2, "employee": "yes", "touchpoint": "contact"}),
    ("expertise", "attribute", ("Expertise of the staff", "Deskundigheid van de medewerkers", "Personalets faglighed"), {"scale": (1, 10), "group": "staff_expertise", "level": 1, "employee": "yes", "touchpoint": "day"}),
    ("information", "attribute", ("Information about your child's day", "Informatie over de dag van uw kind", "Information om dit barns dag"), {"scale": (1, 10), "group": "personal_communication", "level": 3, "employee": "yes", "touchpoint": "pick_up", "pair": "photos"}),
    ("activities", "attribute", ("Activities that help your child grow", "Activiteiten waar uw kind van leert", "Aktiviteter, som dit barn lærer af"), {"scale": (1, 10), "group": "staff_involvement", "level": 1, "employee": "yes", "touchpoint": "day"}),
    ("warmth", "attribute", ("Warmth and attention", "Warmte en aandacht", "Varme og opmærksomhed"), {"scale": (1, 10), "group": "attentive_staff", "level": 3, "employee": "yes", "touchpoint": "drop_off"}),
    ("known", "attribute", ("They know your child and you", "Men kent uw kind en u", "De kender dit barn og dig"), {"scale": (1, 10), "group": "know_preferences", "level": 3, "employee": "yes", "touchpoint": "drop_off"}),
    ("surprise", "attribute", ("Nice surprises and small gestures", "Leuke verrassingen en kleine attenties", "Gode overraskelser og små gestus"), {"scale": (1, 10), "group": "surprise", "level": 4, "employee": "yes", "touchpoint": "pick_up", "pair": "birthday"}),
    ("building", "attribute", ("Building and outdoor space", "Gebouw en buitenruimte", "Bygning og udeareal"), {"scale": (1, 10), "group": "surroundings", "level": 1, "employee": "no", "touchpoint": "drop_off"}),
    ("disconfirmation", "disconfirmation", ("Compared with what you expected beforehand, our care is …", "Vergeleken met wat u vooraf verwachtte, is onze opvang …", "Sammenlignet med det, du forventede på forhånd, er vores pasning …"), {"scale": (1, 5), "answer_set": "expected"}),
    ("surprised", "emotion", ("Pleasantly surprised", "Aangenaam verrast", "Positivt overrasket"), {"scale": (1, 5), "answer_set": "how_often", "construct": "delight"}),
    ("joyful", "emotion", ("Happy when leaving", "Blij de deur uit gegaan", "Gået glad derfra"), {"scale": (1, 5), "answer_set": "how_often", "construct": "delight"}),
    ("enthusiastic", "emotion", ("Enthusiastic", "Enthousiast", "Begejstret"), {"scale": (1, 5), "answer_set": "how_often", "construct": "delight"}),
    ("annoyed", "emotion", ("Annoyed (reversed)", "Geërgerd (omgekeerd)", "Irriteret (vendt)"), {"scale": (1, 5), "answer_set": "how_often", "construct": "delight", "reverse": "yes"}),
    ("incident", "incident", ("Did anything go wrong in the past half year?", "Ging er het afgelopen halfjaar iets mis?", "Er noget gået galt det seneste halve år?"), {"scale": (0, 1), "answer_set": "yes_no"}),
    ("fixed_faces", "need", ("Fixed faces on the group", "Vaste gezichten op de groep", "Faste voksne på stuen"), {"scale": (1, 10)}),
    ("small_groups", "need", ("Small, calm groups", "Kleine, rustige groepen", "Små, rolige grupper"), {"scale": (1, 10)}),
    ("outdoor_play", "need", ("Playing outside every day", "Elke dag naar buiten", "Udeleg hver dag"), {"scale": (1, 10)}),
    ("measurable_development", "need", ("Development that is measured and shown", "Ontwikkeling die gemeten en getoond wordt", "Udvikling, der måles og vises"), {"scale": (1, 10)}),
    ("philosophy", "need", ("A clear pedagogical philosophy", "Een duidelijke pedagogische visie", "En tydelig pædagogisk holdning"), {"scale": (1, 10)}),
    ("informed_intensively", "need", ("Being informed in detail, often", "Vaak en uitgebreid geïnformeerd worden", "At blive informeret ofte og grundigt"), {"scale": (1, 10)}),
    ("opening_hours", "need", ("Long opening hours", "Ruime openingstijden", "Lange åbningstider"), {"scale": (1, 10)}),
    ("flexible_days", "need", ("Swapping days easily", "Makkelijk dagen ruilen", "Nemt at bytte dage"), {"scale": (1, 10)}),
    ("thinking_along", "need", ("Staff who think along with a busy family", "Meedenken met een druk gezin", "Personale, der tænker med i en travl familie"), {"scale": (1, 10)}),
    ("take_home_meals", "need", ("Meals to take home", "Maaltijden om mee naar huis te nemen", "Måltider til at tage med hjem"), {"scale": (1, 10)}),
    ("switch_one", "switch_after_one", ("Would you consider switching after one bad experience?", "Zou u na één slechte ervaring overwegen over te stappen?", "Ville du overveje at skifte efter én dårlig oplevelse?"), {"scale": (0, 1), "answer_set": "yes_no", "note": "asked of a random half of the parents, in the last wave"}),
    ("switch_two", "switch_after_two", ("Would you consider switching after a second bad experience?", "Zou u na een tweede slechte ervaring overwegen over te stappen?", "Ville du overveje at skifte efter endnu en dårlig oplevelse?"), {"scale": (0, 1), "answer_set": "yes_no", "note": "asked of the other half, in the last wave"}),
    ("photos_with", "kano_functional", ("Daily photo of your child in the app", "Dagelijkse foto van uw kind in de app", "Dagligt billede af dit barn i appen"), {"answer_set": "kano", "pair": "photos", "note": KANO_NOTE}),
    ("photos_without", "kano_dysfunctional", ("No daily photo of your child", "Geen foto van uw kind in de app", "Intet dagligt billede af dit barn"), {"answer_set": "kano", "pair": "photos"}),
    ("birthday_with", "kano_functional", ("Surprise on your child's birthday", "Verrassing op de verjaardag van uw kind", "Overraskelse på dit barns fødselsdag"), {"answer_set": "kano", "pair": "birthday", "note": KANO_NOTE}),
    ("birthday_without", "kano_dysfunctional", ("No surprise on your child's birthday", "Geen verrassing op de verjaardag van uw kind", "Ingen overraskelse på dit barns fødselsdag"), {"answer_set": "kano", "pair": "birthday"}),
    ("quick_answer_with", "kano_functional", ("Same-day answer to your message", "Antwoord op uw bericht op dezelfde dag", "Svar på din besked samme dag"), {"answer_set": "kano", "pair": "quick_answer", "note": KANO_NOTE}),
    ("quick_answer_without", "kano_dysfunctional", ("No same-day answer to your message", "Geen antwoord op uw bericht op dezelfde dag", "Ikke svar på din besked samme dag"), {"answer_set": "kano", "pair": "quick_answer"}),
    ("swap_with", "kano_functional", ("Swapping days in the app", "Dagen ruilen in de app", "Bytte dage i appen"), {"answer_set": "kano", "pair": "swap", "note": KANO_NOTE}),
    ("swap_without", "kano_dysfunctional", ("No swapping of days in the app", "Geen dagen ruilen in de app", "Ikke at kunne bytte dage i appen"), {"answer_set": "kano", "pair": "swap"}),
    ("meals_with", "kano_functional", ("Warm meal to take home", "Warme maaltijd om mee naar huis te nemen", "Varmt måltid til at tage med hjem"), {"answer_set": "kano", "pair": "meals", "note": KANO_NOTE}),
    ("meals_without", "kano_dysfunctional", ("No warm meal to take home", "Geen warme maaltijd om mee naar huis te nemen", "Intet varmt måltid til at tage med hjem"), {"answer_set": "kano", "pair": "meals"}),
    ("webcam_with", "kano_functional", ("Webcam on the group", "Webcam op de groep", "Webkamera på stuen"), {"answer_set": "kano", "pair": "webcam", "note": KANO_NOTE}),
    ("webcam_without", "kano_dysfunctional", ("No webcam on the group", "Geen webcam op de groep", "Intet webkamera på stuen"), {"answer_set": "kano", "pair": "webcam"}),
    ("comment", "comment", ("Is there anything you would like to tell us?", "Wat wilt u ons nog meegeven?", "Er der noget, du gerne vil fortælle os?"), {}),
]  # fmt: skip

# answer set, code, (en, nl, da), kind; the text in the export is that of the study's language
ANSWERS = [
    ("care_type", "daycare", ("Day care", "Dagopvang", "Vuggestue"), "value"),
    ("care_type", "preschool", ("Preschool group", "Peuteropvang", "Børnehave"), "value"),
    ("care_type", "afterschool", ("After-school care", "Buitenschoolse opvang", "Fritidsordning"), "value"),
    ("age_group", "0-1", ("0-1 year", "0-1 jaar", "0-1 år"), "value"),
    ("age_group", "2-3", ("2-3 years", "2-3 jaar", "2-3 år"), "value"),
    ("age_group", "4-7", ("4-7 years", "4-7 jaar", "4-7 år"), "value"),
    ("age_group", "8-12", ("8-12 years", "8-12 jaar", "8-12 år"), "value"),
    ("children", "one", ("One child", "Eén kind", "Ét barn"), "value"),
    ("children", "two", ("Two children", "Twee kinderen", "To børn"), "value"),
    ("children", "more", ("Three or more", "Drie of meer", "Tre eller flere"), "value"),
    ("certainty", 1, ("Certainly not", "Zeker niet", "Helt sikkert ikke"), "value"),
    ("certainty", 2, ("Probably not", "Waarschijnlijk niet", "Sandsynligvis ikke"), "value"),
    ("certainty", 3, ("Perhaps", "Misschien", "Måske"), "value"),
    ("certainty", 4, ("Probably", "Waarschijnlijk wel", "Sandsynligvis"), "value"),
    ("certainty", 5, ("Certainly", "Zeker wel", "Helt sikkert"), "value"),
    ("yes_no", 1, ("Yes", "Ja", "Ja"), "value"),
    ("yes_no", 0, ("No", "Nee", "Nej"), "value"),
    ("yes_no_unknown", 1, ("Yes", "Ja", "Ja"), "value"),
    ("yes_no_unknown", 0, ("No", "Nee", "Nej"), "value"),
    ("yes_no_unknown", 8, ("Don't know yet", "Weet ik nog niet", "Ved ikke endnu"), "missing"),
    ("applies", 98, ("n/a", "n.v.t.", "ikke relevant"), "not_applicable"),
    ("expected", 1, ("Much worse than expected", "Veel slechter dan verwacht", "Meget dårligere end forventet"), "value"),
    ("expected", 2, ("Worse than expected", "Slechter dan verwacht", "Dårligere end forventet"), "value"),
    ("expected", 3, ("As expected", "Zoals verwacht", "Som forventet"), "value"),
    ("expected", 4, ("Better than expected", "Beter dan verwacht", "Bedre end forventet"), "value"),
    ("expected", 5, ("Much better than expected", "Veel beter dan verwacht", "Meget bedre end forventet"), "value"),
    ("kano", 1, ("I would like it", "Dat zou ik fijn vinden", "Jeg kan godt lide det"), "value"),
    ("kano", 2, ("I would expect it", "Dat is vanzelfsprekend", "Det forventer jeg"), "value"),
    ("kano", 3, ("I am neutral", "Dat maakt mij niet uit", "Det er jeg ligeglad med"), "value"),
    ("kano", 4, ("I could live with it", "Daar kan ik mee leven", "Det kan jeg leve med"), "value"),
    ("kano", 5, ("I would dislike it", "Dat zou ik vervelend vinden", "Det kan jeg ikke lide"), "value"),
    ("how_often", 1, ("Never", "Nooit", "Aldrig"), "value"),
    ("how_often", 2, ("Seldom", "Zelden", "Sjældent"), "value"),
    ("how_often", 3, ("Sometimes", "Soms", "Nogle gange"), "value"),
    ("how_often", 4, ("Often", "Vaak", "Ofte"), "value"),
    ("how_often", 5, ("Very often", "Heel vaak", "Meget ofte"), "value"),
]  # fmt: skip

LANGUAGES = ("en", "nl", "da")
ARCHETYPES = {
    "quality": ("Good quality care", "Goede opvang", "God pasning"),
    "pedagogy": ("Pedagogical demands", "Pedagogische wensen", "Pædagogiske krav"),
    "unburden": ("Unburden me", "Ontzorg mij", "Aflast mig"),
}


def codebook(truth):
    """codebook.csv of a truth: one row a question, drivers, needs and features of the truth only."""
    rows = []
    for column, role, labels, more in QUESTIONS:
        if (role == "attribute" and column not in truth.drivers) or (role == "need" and column not in truth.needs["items"]):
            continue
        if more.get("pair", "") not in ("", *truth.kano["features"]):
            if role != "attribute":
                continue
            more = {key: value for key, value in more.items() if key != "pair"}
        more = dict(more)
        low, high = more.pop("scale", ("", ""))
        rated = role in ("overall", "recommend", "attribute", "need")
        rows.append(
            dict.fromkeys(COLUMNS, "")
            | {"column": column, "role": role, "label_en": labels[0], "label_nl": labels[1], "label_da": labels[2]}
            | {"scale_min": low, "scale_max": high, "scale_step": 1 if low != "" else "", "missing_codes": 99 if rated else ""}
            | more
        )
    return pd.DataFrame(rows, columns=COLUMNS, dtype=object)


def answers(language):
    """answers.csv in the study's language: one row an answer."""
    at = LANGUAGES.index(language)
    return pd.DataFrame(
        [(name, code, texts[at], *texts, kind) for name, code, texts, kind in ANSWERS],
        columns=["answer_set", "code", "text", "label_en", "label_nl", "label_da", "kind"],
        dtype=object,
    )


def texts(name, language):
    """Code to text of an answer set."""
    at = LANGUAGES.index(language)
    return {code: labels[at] for answer_set, code, labels, _ in ANSWERS if answer_set == name}


def _in_each(**said):
    """A text in each language as an inline table of TOML."""
    return "{" + ", ".join(f'{language} = "{text}"' for language, text in said.items()) + "}"


def study_toml(truth, *, language, sources):
    """study.toml: sources in the order of the waves, archetypes from the planted groups, fieldwork."""
    organisation = {"nl": "Demo Kinderopvang", "en": "Demo Childcare", "da": "Demo Børnepasning"}[language]
    population = _in_each(
        nl="ouders met een contract op de eerste dag van de meting",
        en="parents with a contract on the first day of the survey",
        da="forældre med kontrakt på målingens første dag",
    )
    mode = _in_each(nl="online, uitnodiging per e-mail", en="online, invited by e-mail", da="online, inviteret pr. e-mail")
    text = f'''[study]
name = "{truth.demo["name"]}"
organisation = "{organisation}"
language = "{language}"
'''
    for wave, source in sources.items():
        text += f'\n[[sources]]\npath = "{source["path"]}"\nwave = "{wave}"\nstart = "{source["start"]}"\nend = "{source["end"]}"\n'
        if source.get("rename"):
            text += "rename = {" + ", ".join(f'{old} = "{new}"' for old, new in source["rename"].items()) + "}\n"
    text += '\n[segments]\nneeds = "rating"\n'
    distinct = any(segment.wishes for segment in truth.segments.values())
    for name, segment in truth.segments.items() if distinct else ():
        label = ARCHETYPES.get(name, (name,) * 3)
        profile = ", ".join(f'{item} = "{"high" if wish > 0 else "low"}"' for item, wish in segment.wishes.items() if wish)
        text += f'\n[[segments.archetypes]]\nname = "{name}"\n'
        text += f'labels = {{nl = "{label[1]}", en = "{label[0]}", da = "{label[2]}"}}\nprofile = {{{profile}}}\n'
    text += f'\n[fieldwork]\npopulation = {population}\ndesign = "all"\nmode = {mode}\nlanguages = ["{language}"]\n'
    text += f'commissioned_by = "{organisation}"\n'
    text += "\n[targets]\noverall_mean = 8.0\n\n[privacy]\nminimum_group = 10\n"
    return text
