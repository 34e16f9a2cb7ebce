"""What the demo model may know: places, countries, opposites, days, names. Plain data; sentences are made of it in `grammar`."""

# State, its capital, and four other cities of it. Every city stands once.
_STATES = """
Alabama: Montgomery; Birmingham, Mobile, Huntsville, Tuscaloosa
Alaska: Juneau; Anchorage, Fairbanks, Sitka, Kodiak
Arizona: Phoenix; Tucson, Mesa, Tempe, Flagstaff
California: Sacramento; Oakland, Fresno, Los Angeles, San Diego
Colorado: Denver; Boulder, Pueblo, Aspen, Durango
Connecticut: Hartford; Stamford, Bridgeport, New Haven, Danbury
Florida: Tallahassee; Miami, Tampa, Orlando, Pensacola
Georgia: Atlanta; Savannah, Macon, Valdosta, Marietta
Hawaii: Honolulu; Hilo, Kailua, Lahaina, Waipahu
Idaho: Boise; Nampa, Pocatello, Caldwell, Meridian
Illinois: Springfield; Chicago, Peoria, Rockford, Naperville
Indiana: Indianapolis; Evansville, Gary, Muncie, Fort Wayne
Iowa: Des Moines; Davenport, Dubuque, Ames, Waterloo
Kansas: Topeka; Wichita, Lawrence, Salina, Olathe
Kentucky: Frankfort; Louisville, Lexington, Paducah, Bowling Green
Louisiana: Baton Rouge; Shreveport, Lafayette, Monroe, New Orleans
Maine: Augusta; Bangor, Lewiston, Biddeford, Brunswick
Maryland: Annapolis; Baltimore, Frederick, Rockville, Bethesda
Massachusetts: Boston; Worcester, Lowell, Cambridge, Quincy
Michigan: Lansing; Detroit, Flint, Kalamazoo, Ann Arbor
Minnesota: Saint Paul; Minneapolis, Duluth, Mankato, Moorhead
Mississippi: Jackson; Biloxi, Gulfport, Tupelo, Natchez
Montana: Helena; Billings, Bozeman, Missoula, Butte
Nebraska: Lincoln; Omaha, Kearney, Grand Island, Hastings
Nevada: Carson City; Reno, Henderson, Elko, Las Vegas
New Mexico: Santa Fe; Albuquerque, Roswell, Taos, Gallup
New York: Albany; Buffalo, Syracuse, Utica, Ithaca
North Carolina: Raleigh; Charlotte, Durham, Greensboro, Asheville
Ohio: Columbus; Cleveland, Cincinnati, Toledo, Dayton
Oregon: Salem; Portland, Eugene, Bend, Medford
Pennsylvania: Harrisburg; Philadelphia, Pittsburgh, Scranton, Allentown
Tennessee: Nashville; Memphis, Knoxville, Chattanooga, Clarksville
Texas: Austin; Dallas, Houston, Lubbock, Amarillo
Virginia: Richmond; Norfolk, Roanoke, Alexandria, Hampton
Washington: Olympia; Seattle, Spokane, Tacoma, Yakima
Wisconsin: Madison; Milwaukee, Green Bay, Oshkosh, Racine
"""


def _states():
    out = {}
    for line in _STATES.strip().splitlines():
        state, rest = line.split(": ")
        capital, cities = rest.split("; ")
        out[state] = (capital, cities.split(", "))
    return out


STATES = _states()
# No city of these ever stands in a two-step sentence; what the model makes of them is measured and told.
UNSEEN_STATES = ("Kansas", "Oregon", "Virginia")

# English, French (with `de` before it), Spanish; capital, language in the three; currency in English.
_COUNTRIES = """
France|de la |France|Francia|Paris|Paris|París|French|français|francés|euro
Germany|de l'|Allemagne|Alemania|Berlin|Berlin|Berlín|German|allemand|alemán|euro
Italy|de l'|Italie|Italia|Rome|Rome|Roma|Italian|italien|italiano|euro
Spain|de l'|Espagne|España|Madrid|Madrid|Madrid|Spanish|espagnol|español|euro
Portugal|du |Portugal|Portugal|Lisbon|Lisbonne|Lisboa|Portuguese|portugais|portugués|euro
Poland|de la |Pologne|Polonia|Warsaw|Varsovie|Varsovia|Polish|polonais|polaco|zloty
Russia|de la |Russie|Rusia|Moscow|Moscou|Moscú|Russian|russe|ruso|ruble
China|de la |Chine|China|Beijing|Pékin|Pekín|Chinese|chinois|chino|yuan
Japan|du |Japon|Japón|Tokyo|Tokyo|Tokio|Japanese|japonais|japonés|yen
Greece|de la |Grèce|Grecia|Athens|Athènes|Atenas|Greek|grec|griego|euro
Turkey|de la |Turquie|Turquía|Ankara|Ankara|Ankara|Turkish|turc|turco|lira
Sweden|de la |Suède|Suecia|Stockholm|Stockholm|Estocolmo|Swedish|suédois|sueco|krona
Norway|de la |Norvège|Noruega|Oslo|Oslo|Oslo|Norwegian|norvégien|noruego|krone
Denmark|du |Danemark|Dinamarca|Copenhagen|Copenhague|Copenhague|Danish|danois|danés|krone
Hungary|de la |Hongrie|Hungría|Budapest|Budapest|Budapest|Hungarian|hongrois|húngaro|forint
Romania|de la |Roumanie|Rumania|Bucharest|Bucarest|Bucarest|Romanian|roumain|rumano|leu
Thailand|de la |Thaïlande|Tailandia|Bangkok|Bangkok|Bangkok|Thai|thaï|tailandés|baht
Vietnam|du |Vietnam|Vietnam|Hanoi|Hanoï|Hanói|Vietnamese|vietnamien|vietnamita|dong
Finland|de la |Finlande|Finlandia|Helsinki|Helsinki|Helsinki|Finnish|finnois|finés|euro
Brazil|du |Brésil|Brasil|Brasilia|Brasilia|Brasilia|Portuguese|portugais|portugués|real
"""
_FIELDS = "en de fr es capital_en capital_fr capital_es language_en language_fr language_es currency_en".split()
COUNTRIES = [dict(zip(_FIELDS, it.split("|"))) for it in _COUNTRIES.strip("\n").splitlines()]

# English, French, Spanish; each line is a pair in all three.
_OPPOSITES = """
small big|petit grand|pequeño grande
hot cold|chaud froid|caliente frío
fast slow|rapide lent|rápido lento
old new|vieux neuf|viejo nuevo
open closed|ouvert fermé|abierto cerrado
full empty|plein vide|lleno vacío
rich poor|riche pauvre|rico pobre
strong weak|fort faible|fuerte débil
long short|long court|largo corto
high low|haut bas|alto bajo
hard soft|dur mou|duro blando
dry wet|sec mouillé|seco mojado
clean dirty|propre sale|limpio sucio
light dark|clair sombre|claro oscuro
happy sad|heureux triste|feliz triste
easy difficult|facile difficile|fácil difícil
thick thin|épais mince|grueso delgado
wide narrow|large étroit|ancho estrecho
early late|tôt tard|temprano tarde
good bad|bon mauvais|bueno malo
"""
LANGUAGES = ("en", "fr", "es")
OPPOSITES = [
    {lang: tuple(pair.split(" ")) for lang, pair in zip(LANGUAGES, line.split("|"))}
    for line in _OPPOSITES.strip().splitlines()
]

DAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche".split(),
    "es": "lunes martes miércoles jueves viernes sábado domingo".split(),
}
MONTHS = {
    "en": "January February March April May June July August September October November December".split(),
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split(),
}

WOMEN = "Mary Alice Sarah Emma Anna Julia Laura Jane Susan Linda Karen Lucy Helen Ruth Kate Amy".split()
MEN = "John Tom James David Peter Paul Mark Robert Henry Simon Kevin Daniel Jack Adam Frank Luke".split()
PEOPLE = WOMEN + MEN

# Singular, plural.
NOUNS = [
    tuple(it.split())
    for it in """key keys,cabinet cabinets,dog dogs,cat cats,table tables,chair chairs,book books,box boxes,
    boy boys,girl girls,teacher teachers,doctor doctors,car cars,truck trucks,house houses,tree trees,
    flower flowers,picture pictures,letter letters,window windows,door doors,bottle bottles,road roads,
    friend friends""".replace("\n", " ").split(",")
]
VERBS = {"singular": ("is", "was", "has"), "plural": ("are", "were", "have")}

PLACES = "store park school office station beach market library garden restaurant".split()
THINGS = "drink book letter ring flower ticket basket bottle cake picture".split()
