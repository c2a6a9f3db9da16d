"""The words that lessons are made of: what a lesson teaches, who teaches it, and invented songs.

Sentences are templates over the lesson's own values (title, genre, key, tempo, tuning, chords), so that a description
never contradicts the attributes beside it; "{song}" is the title with the artist. A technique is a tag with the
sentence that explains it.
"""

INSTRUCTORS = (
    "Mara Lindqvist",
    "Tobias Okafor",
    "Inés Caballero",
    "Declan Brody",
    "Yuki Tanabe",
    "Sofia Marchetti",
    "Rashid El-Amin",
    "Hannah Vogel",
    "Luc Béranger",
    "Priya Raman",
    "Joaquim Teles",
    "Wren Halloway",
)

# Genres that share a way of playing share chords and techniques.
FAMILIES = {
    "rock": (
        "rock", "classic rock", "hard rock", "alternative rock", "indie rock", "britpop", "garage rock", "new wave",
        "rock and roll", "surf rock", "latin rock", "progressive rock", "post-rock", "instrumental",
    ),
    "heavy": ("metal", "nu metal", "grunge", "punk", "pop punk"),
    "pop": ("pop", "electronic", "hip-hop", "R&B", "soul", "funk", "reggae", "latin"),
    "folk": ("folk", "country", "singer-songwriter", "traditional", "holiday", "chanson", "bluegrass"),
    "blues": ("blues",),
    "jazz": ("jazz", "bossa nova"),
    "classical": ("classical", "flamenco"),
}  # fmt: skip

# Roman numerals over the scale of the key: capitals are major chords, small letters minor ones, "5" is a power chord.
MAJOR_CHORDS = {
    "rock": ("I V vi IV", "I IV V", "I vi IV V", "I iii IV V", "vi IV I V ii"),
    "heavy": ("I5 IV5 V5", "I5 V5 vi IV5", "I5 vi IV5 V5", "I5 iii vi IV5"),
    "pop": ("I V vi IV", "vi IV I V", "I vi ii V", "Imaj7 vi7 IV V", "I ii IV V"),
    "folk": ("I IV V", "I V vi IV", "I IV V vi", "I ii V7 vi", "I iii IV V7"),
    "blues": ("I7 IV7 V7", "I7 IV7 V7 vi7", "I IV7 V7"),
    "jazz": ("ii7 V7 Imaj7 vi7", "Imaj7 vi7 ii7 V7", "Imaj7 IVmaj7 iii7 vi7 ii7 V7"),
    "classical": ("I IV V7", "I V vi iii IV", "I ii V7 vi"),
}
MINOR_CHORDS = {
    "rock": ("i VI III VII", "i VII VI", "i iv VII", "i VI VII", "i III VII iv"),
    "heavy": ("I5 VI5 VII5", "I5 III5 IV5", "I5 VII5 VI5 V5", "i VI III VII"),
    "pop": ("i VI III VII", "i iv VII III", "i VII VI V7", "i7 iv7 VImaj7 v7"),
    "folk": ("i VII VI", "i III VII iv", "i iv V7", "i VI III VII"),
    "blues": ("i7 iv7 V7", "i iv VI V7", "i7 iv7 v7"),
    "jazz": ("i7 iv7 VII7 IIImaj7", "ii7b5 V7 i7", "i7 VImaj7 ii7b5 V7"),
    "classical": ("i iv V7", "i VII VI V7", "i V7 III VI"),
}

# Beats per minute of invented songs: lowest, highest.
TEMPOS = {
    "rock": (84, 164),
    "heavy": (92, 196),
    "pop": (76, 134),
    "folk": (70, 140),
    "blues": (62, 138),
    "jazz": (84, 176),
    "classical": (54, 132),
}

OPENINGS = {
    "beginner": (
        "A gentle first look at {song}.",
        "You need no earlier experience to play along here.",
        "Everything is broken into small steps, from the first bar to the last.",
        "We start with a simplified version and add the original details one at a time.",
        "An easy way into {genre} music that sounds good from the first evening.",
        "Learn {song} from scratch, section by section.",
        "After one evening you will get through the main sections without stopping.",
    ),
    "intermediate": (
        "The full arrangement from the first bar to the last, with close-ups of both hands.",
        "If you know the basics of your instrument, this is a good next step.",
        "We go through the sections of {title} one at a time and then put them together.",
        "A faithful version of {song}, with the details that most players leave out.",
        "This one looks simple but hides a few awkward changes.",
        "Takes your playing of {genre} music a good step further.",
        "Note for note, with the notes on screen and slow loops of the hard bars.",
    ),
    "advanced": (
        "A complete, note-for-note study of {title}.",
        "Expect to spend some weeks on this one; it repays every hour.",
        "Bring clean technique and patience: {song} leaves no room to hide.",
        "We take the hardest passages apart and rebuild them at full speed.",
        "For experienced players who want the details that the songbooks get wrong.",
        "A demanding {genre} piece, taught bar by bar at three speeds.",
    ),
}

GUITAR = {
    "rock": {
        "beginner": (
            ("riff", "The main riff sits on two strings, so you can concentrate on the timing."),
            ("open-chords", "Open chords and a steady down-up strum carry the whole song."),
        ),
        "intermediate": (
            ("barre-chords", "Barre chords move around the neck while the right hand keeps a tight eighth-note pulse."),
            ("arpeggios", "Picked arpeggios ring into each other, so watch which fingers may leave the strings."),
        ),
        "advanced": (
            ("solo", "The solo mixes wide bends, pull-offs and position shifts across the whole neck."),
            ("lead", "Fast legato lines and exact vibrato are what make the lead part speak."),
        ),
    },
    "heavy": {
        "beginner": (
            ("power-chords", "Two-finger power chords and palm muting are all the left hand has to know."),
            ("palm-muting", "Muted eighths in the verse open up to loud, ringing chords in the chorus."),
        ),
        "intermediate": (
            ("downpicking", "Keep every note of the riff a downstroke, even when the arm gets tired."),
            ("riff", "Gallop rhythms and quick string changes need a small, relaxed picking motion."),
        ),
        "advanced": (
            ("alternate-picking", "Strict alternate picking at speed, with a long solo full of tapping and sweeps."),
            ("shred", "The twin-lead harmonies and the fast runs are written out and drilled separately."),
        ),
    },
    "pop": {
        "beginner": (
            ("strumming", "One strumming pattern and a handful of easy shapes get you through all sections."),
            ("capo", "With a capo the shapes stay friendly and you can still sing in your own range."),
        ),
        "intermediate": (
            ("groove", "Muted sixteenth notes give the part its groove; the chords are the easy half."),
            ("fingerpicking", "Thumb and three fingers share the pattern while the melody stays on top."),
        ),
        "advanced": (
            ("chord-melody", "We fit bass line, chords and vocal melody onto one instrument."),
            ("syncopation", "Syncopated double stops and ghost notes ask for a very independent right hand."),
        ),
    },
    "folk": {
        "beginner": (
            ("campfire", "A campfire classic: a few open chords, a bass note and a soft strum."),
            ("boom-chick", "Alternate the bass note with the strum and the song nearly plays itself."),
        ),
        "intermediate": (
            ("travis-picking", "Travis picking with a steady thumb turns plain chords into a small band."),
            ("hammer-ons", "Hammer-ons within the chord shapes decorate an otherwise plain accompaniment."),
        ),
        "advanced": (
            ("fingerstyle", "The fingerstyle part keeps bass, harmony and tune going at the same time."),
            ("flatpicking", "Crosspicked runs between the chords must stay even at dance tempo."),
        ),
    },
    "blues": {
        "beginner": (
            ("shuffle", "A twelve-bar shuffle on the low strings, with one turnaround to finish it."),
            ("pentatonic", "One box of the pentatonic scale is enough for the riff and your first licks."),
        ),
        "intermediate": (
            ("double-stops", "Double stops and slides answer the vocal line in the gaps."),
            ("turnarounds", "Three turnarounds and the dominant ninth voicings give the rhythm part its colour."),
        ),
        "advanced": (
            ("string-bending", "Quarter-tone bends, rakes and heavy vibrato are worked out phrase by phrase."),
            ("improvisation", "After the original solo you improvise your own, following the chord changes."),
        ),
    },
    "jazz": {
        "beginner": (
            ("shell-voicings", "Three-note shell voicings keep the harmony clear and the hand relaxed."),
            ("melody", "We play the melody first in single notes, then add the roots underneath."),
        ),
        "intermediate": (
            ("comping", "Comping patterns on the off-beat lock in with bass and percussion."),
            ("latin-rhythm", "The thumb keeps the bass even while the fingers place the syncopated chords."),
        ),
        "advanced": (
            ("chord-melody", "A chord-melody arrangement with inner voices and two reharmonised choruses."),
            ("improvisation", "Guide tones and arpeggios lead you through an improvised chorus."),
        ),
    },
    "classical": {
        "beginner": (
            ("rest-stroke", "The tune is played with rest strokes over open bass strings, all in first position."),
            ("notation", "Read it from standard notation or tablature; both run along on screen."),
        ),
        "intermediate": (
            ("arpeggios", "Right-hand arpeggios stay quiet so that the melody on top can sing."),
            ("voicing", "Balance melody and accompaniment, and hold each bass note for its full length."),
        ),
        "advanced": (
            ("tremolo", "An even tremolo and long stretches of the left hand are the main challenges."),
            ("barre-chords", "Full barres, high positions and exact damping bring out every voice."),
        ),
    },
}

OTHERS = {
    "bass": {
        "beginner": (
            ("root-notes", "Root notes in steady eighths, locked to the kick drum."),
            ("groove", "A short repeating line teaches you to place notes behind or on the beat."),
        ),
        "intermediate": (
            ("walking-bass", "Passing notes link the chords, so the line walks where the roots alone would jump."),
            ("fingerstyle", "Two-finger plucking with muted notes keeps the line even and punchy."),
        ),
        "advanced": (
            ("slap", "Slap, ghost notes and quick octave jumps make this a workout for both hands."),
            ("melodic-bass", "The bass sings its own melody high on the neck and never simply doubles the guitar."),
        ),
    },
    "ukulele": {
        "beginner": (
            ("strumming", "Easy shapes and the island strum fit the song surprisingly well."),
            ("singalong", "Slow chord changes leave you free to sing along from the first chorus."),
        ),
        "intermediate": (
            ("chucking", "A percussive chuck on two and four replaces the drums."),
            ("fingerpicking", "The picked intro uses the high G string to let neighbouring notes ring together."),
        ),
        "advanced": (
            ("chord-melody", "Melody and harmony share four strings in this solo arrangement."),
            ("triplets", "Fast triplet strums and jumps up the neck call for a loose wrist."),
        ),
    },
    "piano": {
        "beginner": (
            ("block-chords", "Block chords in the right hand and single bass notes in the left."),
            ("hands-separate", "Hands are practised separately first and joined two bars at a time."),
        ),
        "intermediate": (
            ("broken-chords", "Broken chords flow under the melody, with the pedal changed at every harmony."),
            ("inversions", "Inversions keep the hand in one place while the bass moves down by step."),
        ),
        "advanced": (
            ("voicing", "Wide left-hand figures and inner melodies need careful voicing and fingering."),
            ("octaves", "Octaves, quick leaps and a big dynamic range make it a true recital piece."),
        ),
    },
    "drums": {
        "beginner": (
            ("backbeat", "A straight backbeat with eighths on the hi-hat and one simple fill."),
            ("timekeeping", "Keep time with a click first, then with the record, before any fills come in."),
        ),
        "intermediate": (
            ("ghost-notes", "Ghost notes on the snare and open hi-hats give the groove its lift."),
            ("fills", "Each fill is counted aloud and practised around the kit before it goes into the song."),
        ),
        "advanced": (
            ("odd-meter", "Shifting accents and long fills demand an unshakeable sense of the one."),
            ("double-kick", "Fast footwork under independent hands, built up with four short exercises."),
        ),
    },
    "banjo": {
        "beginner": (
            ("basic-roll", "A forward roll over plain chords, slow enough to hear every string."),
            ("strumming", "Pinch and brush patterns accompany the voice without finger picks."),
        ),
        "intermediate": (
            ("rolls", "Mixed rolls with slides and hammer-ons bring out the tune."),
            ("clawhammer", "A clawhammer version with the drone string on every off-beat."),
        ),
        "advanced": (
            ("three-finger", "Three-finger picking at full tempo, with backup licks up the neck."),
            ("melodic-style", "Melodic-style runs and choke bends as on the great records."),
        ),
    },
    "mandolin": {
        "beginner": (
            ("two-finger-chords", "Two-finger chords and a light down-up stroke on the double strings."),
            ("melody", "The tune lies in first position and uses open strings wherever it can."),
        ),
        "intermediate": (
            ("chop-chords", "Chop chords on the off-beat take the part of the snare drum."),
            ("tremolo", "Long notes are sustained with an even tremolo from the wrist."),
        ),
        "advanced": (
            ("cross-picking", "Cross-picking over three strings keeps melody and chords moving together."),
            ("double-stops", "Double-stop harmonies and fast fiddle runs, first slow, then at session speed."),
        ),
    },
}

CLOSINGS = (
    "Practise at half speed and work up to {tempo} BPM.",
    "The backing track runs at {tempo} BPM in {key}.",
    "We stay in {key} throughout and talk about why {chords} belong together.",
    "The changes go round {chords}, first slowly, then in time.",
    "A printable chart with {chords} comes with the video.",
    "Set the metronome to {tempo} and count aloud before you play.",
    "At the end we play it through together in {key}.",
    "Loop the last section until the change feels easy, then try it at {tempo} BPM.",
    "Three exercises warm you up, and a play-along at {tempo} BPM rounds it off.",
)
TUNING_CLOSING = "Tune to {tuning} before you start; all shapes are shown for that tuning."

# Invented songs: {a} an adjective, {n} a noun, {p} a place, {v} a verb.
TITLES = (
    "{a} {n}", "The {a} {n}", "{n} in {p}", "{v} the {n}", "{n} & {n2}", "Don't {v} My {n}", "{a} {n} ({v} Me Slowly)",
    "{p} {n}", "No More {n}", "{n}, {n2}", "Like a {a} {n}", "I'll {v} the {n}", "{n} of {p}", "When You {v} the {n}",
)  # fmt: skip
ADJECTIVES = (
    "Silver", "Broken", "Midnight", "Golden", "Quiet", "Electric", "Crooked", "Paper", "Burning", "Hollow", "Velvet",
    "Restless", "Distant", "Lonesome", "Crimson", "Frozen", "Gentle", "Wayward", "Neon", "Faded", "Salty", "Northern",
    "Second", "Wild", "Seven", "Última", "Élégante", "Grüne",
)  # fmt: skip
NOUNS = (
    "River", "Lantern", "Highway", "Window", "Sparrow", "Harbour", "Mirror", "Thunder", "Garden", "Letter", "Satellite",
    "Carousel", "Engine", "Summer", "Shadow", "Station", "Orchard", "Compass", "Whisper", "Avalanche", "Horizon",
    "Rain", "Telephone", "Ember", "Daydream", "Corazón", "Étoile", "Saudade", "Straße", "Ocean", "Runaway",
    "Fever", "Tide",
)  # fmt: skip
PLACES = (
    "Lisbon", "Tulsa", "São Paulo", "Malmö", "Galway", "Kyoto", "Montréal", "Detroit", "Zürich", "Havana", "Reykjavík",
    "Memphis", "Kraków", "Naples", "Valparaíso", "Brighton", "Marseille", "Oslo", "Austin",
)  # fmt: skip
VERBS = (
    "Follow", "Hold", "Remember", "Forget", "Carry", "Leave", "Burn", "Chase", "Count", "Find", "Lose", "Keep",
    "Break", "Wake", "Bury", "Call",
)  # fmt: skip
FIRST_NAMES = (
    "Ada", "Bruno", "Célia", "Dario", "Elin", "Farid", "Greta", "Hugo", "Ines", "Jonah", "Katya", "Leroy", "Maja",
    "Nils", "Odette", "Pascal", "Rosa", "Søren", "Thea", "Umberto", "Vera", "Walt", "Ximena", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Abara", "Bergström", "Castellano", "Duval", "Eastwick", "Fontaine", "Grünwald", "Hollis", "Ibarra", "Jurić",
    "Kowal", "Larkin", "Moreau", "Núñez", "O'Dell", "Petrov", "Quill", "Ravn", "Sandoval", "Tremblay", "Ueda", "Vance",
    "Whitlock",
)  # fmt: skip
BANDS = ("The {a} {n}s", "{a} {n}", "{p} {n} Club", "{first} & the {n}s", "The {n} Brothers", "{first} {last}")
ALBUMS = ("{n} Songs", "{a} Hours", "Live in {p}", "{n} No. {number}", "Songs from {p}")
