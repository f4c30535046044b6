package import Formats
