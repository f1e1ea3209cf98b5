"""A page in a browser, and what tests do with it."""

import json
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement


class Page:
    """A page in the browser."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(self, path: Path) -> None:
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(path.resolve().as_uri())

    def problems(self) -> list[Any]:
        """What the browser complained of since the page was opened."""
        return list(self.driver.get_log("browser"))

    def requests(self) -> list[str]:
        """Addresses that were asked for since the page was opened."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [message for message in messages if message["method"] == "Network.requestWillBeSent"]
        return [message["params"]["request"]["url"] for message in sent]

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def point(self, name: str) -> WebElement:
        """The marker of a signal point."""
        (found,) = [point for point in self.all(".point") if point.get_attribute("data-name") == name]
        return found

    def hover(self, element: WebElement) -> None:
        ActionChains(self.driver).move_to_element(element).perform()

    def press(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def tooltip(self) -> dict[str, float | str]:
        """What the tooltip tells: numbers with all their digits, texts as they are shown."""
        cells = self.all(".tooltip td")
        values = [(cell, cell.get_attribute("data-value")) for cell in cells]
        return {
            str(cell.get_attribute("data-fact")): cell.text if value is None else float(value) for cell, value in values
        }

    def button(self, layer: str) -> WebElement:
        """The entry of a layer in the legend."""
        return self.find(f'.legend button[data-layer="{layer}"]')

    def column(self, selector: str, place: int) -> list[str]:
        """Texts of a column of a table, in the order of its visible rows."""
        script = (
            "return [...document.querySelector(arguments[0]).tBodies[0].rows].filter((row) => !row.hidden)"
            ".map((row) => row.cells[arguments[1]].dataset.value ?? row.cells[arguments[1]].textContent)"
        )
        return list(self.driver.execute_script(script, selector, place))
