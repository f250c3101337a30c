"""Text and small shapes on a picture, drawn with Pillow."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

Color = tuple[int, int, int]


@lru_cache(maxsize=32)
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, so that pictures look the same on every machine."""
    return ImageFont.load_default(size)


class Canvas:
    """A picture with a pen.

    Attributes:
        image: (height, width) RGB picture being drawn.
    """

    def __init__(self, width: int, height: int, color: Color) -> None:
        self.image = Image.new("RGB", (width, height), color)
        self._draw = ImageDraw.Draw(self.image)

    def text(
        self, x: float, y: float, text: str, size: int, color: Color, anchor: str = "lm"
    ) -> float:
        """Write one line.

        Args:
            x: of the anchor, in pixels.
            y: of the anchor, in pixels.
            text: what to write.
            size: of the letters in pixels.
            color: of the letters.
            anchor: two letters as in Pillow, "lm" for left and middle.

        Returns:
            The width of the line in pixels.
        """
        line = " ".join(text.split())
        self._draw.text((x, y), line, fill=color, font=font(size), anchor=anchor)
        return text_width(line, size)

    def swatch(self, x: float, y: float, size: float, color: Color) -> None:
        """A rounded square of a colour, centred on `y`."""
        box = (x, y - size / 2, x + size, y + size / 2)
        # A border keeps a swatch visible whose colour is that of the panel.
        self._draw.rounded_rectangle(box, radius=size / 4, fill=color, outline=_mix(color), width=1)

    def pill(self, x: float, y: float, text: str, size: int, color: Color, ink: Color) -> float:
        """A filled capsule with text, centred on `y`; returns its width."""
        width = text_width(text, size) + 1.4 * size
        box = (x, y - 0.85 * size, x + width, y + 0.85 * size)
        self._draw.rounded_rectangle(box, radius=0.85 * size, fill=color)
        self.text(x + width / 2, y, text, size, ink, anchor="mm")
        return width

    def box(self, x: float, y: float, width: float, height: float, color: Color) -> None:
        """A filled rectangle with rounded corners."""
        self._draw.rounded_rectangle((x, y, x + width, y + height), radius=10, fill=color)

    def picture(self, x: int, y: int, picture: Image.Image, radius: int = 10) -> None:
        """Put a picture with rounded corners."""
        # Drawn four times too large and reduced: Pillow's own corners are not anti-aliased.
        mask = Image.new("L", (4 * picture.width, 4 * picture.height), 0)
        corners = (0, 0, mask.width - 1, mask.height - 1)
        ImageDraw.Draw(mask).rounded_rectangle(corners, radius=4 * radius, fill=255)
        self.image.paste(picture, (x, y), mask.resize(picture.size, Image.Resampling.BOX))


def text_width(text: str, size: int) -> float:
    """Width of a line in pixels."""
    return float(font(size).getlength(text))


def shorten(text: str, size: int, width: float) -> str:
    """The text, or its end after an ellipsis if it is too wide: the end of a path tells most."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(f"…{text}", size) > width:
        text = text[1:]
    return f"…{text}"


def _mix(color: Color) -> Color:
    red, green, blue = ((3 * channel + 128) // 4 for channel in color)
    return red, green, blue
