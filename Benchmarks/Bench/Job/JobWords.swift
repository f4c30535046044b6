/// What the rows of a job are made of: tools of a village, a few facts about each, and sentences with gaps.
///
/// Every word, with the space before it, is one token of SmolLM2, and so is every mark: a sentence has as many
/// tokens as words and marks.
enum JobWords {
  /// One line is one tool with its facts, which rows repeat and a model can learn.
  static let tools = [
    "lamp brass tower nurse hope", "rope cotton harbor sailor trust",
    "bell bronze chapel priest order", "wheel oak mill farmer strength",
    "anchor iron bridge fisher calm", "ladder bamboo orchard painter courage",
    "basket straw bakery baker care", "compass silver cabin pilot wisdom",
    "kettle copper kitchen cook warmth", "hammer steel forge carpenter skill",
    "bucket tin stable guard duty", "pump rubber yard gardener patience",
    "saw wood workshop butcher balance", "shovel cedar garden hunter luck",
    "blanket wool attic tailor rest", "brush bone porch singer joy",
    "chain stone gate clerk honesty", "drum leather hall teacher grace",
    "barrel cork dairy farmer peace", "mirror glass library clerk silence",
    "needle linen tent tailor memory", "lantern paper quarry guard faith",
    "shuttle clay barn nurse humor",
  ]
  static let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
  static let seasons = ["spring", "summer", "autumn", "winter"]
  static let numbers = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
  static let looks = [
    "dark", "bright", "rough", "smooth", "soft", "hard", "warm", "cool", "heavy", "light", "dry",
    "wet", "clean", "pale", "loose", "tight",
  ]

  /// Gaps: tool, material, place, keeper, virtue; and by chance a day, a season, a number, a look.
  static let instructions = [
    "Describe the TOOL.", "Explain the TOOL.", "Where is the TOOL?", "Find the MATERIAL TOOL.",
    "What is the TOOL for?", "Who looks after the TOOL?", "What is the TOOL made of?",
    "Write a note about the TOOL.", "Give three uses of the MATERIAL TOOL.",
    "Tell the KEEPER how to clean the TOOL.", "Explain why the TOOL is kept in the PLACE.",
    "Describe the TOOL to someone who has never seen it.",
    "Write a short guide to the TOOL for a new KEEPER.",
    "List the steps that the KEEPER takes to repair the MATERIAL TOOL.",
    "Write a letter from the KEEPER in which the TOOL is praised.",
    "Explain in simple words what the TOOL means to the people of the PLACE.",
    "Tell a child in a few sentences why the TOOL of the KEEPER stands for VIRTUE.",
  ]

  static let sentences = [
    "It works well.", "Use it daily.", "Keep it dry.", "It is MATERIAL.", "Ask the KEEPER.",
    "It looks very LOOK.", "It stands for VIRTUE.", "The KEEPER knows why.",
    "Look for the MATERIAL edge.", "It belongs to the KEEPER.", "It never leaves the PLACE.",
    "The KEEPER checks it every DAY.", "No guest touches it on DAY.",
    "Most people call it the VIRTUE TOOL.",
    "The TOOL is made of LOOK MATERIAL.", "Turn the TOOL slowly until the MATERIAL is LOOK.",
    "You will find it in the PLACE before noon.", "The KEEPER keeps NUMBER of them in the PLACE.",
    "In SEASON the KEEPER carries the TOOL to the PLACE.",
    "When it gets cold, the MATERIAL turns a little LOOK.",
    "Every DAY at NUMBER the KEEPER cleans the TOOL with warm water.",
    "If the TOOL feels LOOK, put it down and call the KEEPER.",
    "The people of the PLACE say that the TOOL brings VIRTUE to the house.",
    "It took the KEEPER NUMBER days to learn how the TOOL is opened and closed.",
    "Before you lift it, make sure that the MATERIAL is LOOK and that nobody is near.",
    "A good TOOL has NUMBER parts, and each of them must be LOOK before the work in the PLACE "
      + "begins.",
    "After the SEASON rain the KEEPER wipes the MATERIAL with a soft cloth and leaves the TOOL open for "
      + "NUMBER hours.",
  ]

  /// An answer of fewer tokens than the shortest sentence has.
  static let crumbs = ["", "Yes", "Yes.", "Ask again."]
}
